/** Data exports: request one, follow its progress, download it. */
import { useEffect, useRef } from "preact/hooks";

import { withRecentSignIn } from "../accounts/sign-in-dialog";
import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { growingWait } from "../api/poll";
import { bytes, dateTime, relativeTime, text } from "../text";
import { Icon } from "../ui/icon";
import { useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { PrivacyPage } from "./layout";

type ExportView = Schema["ExportView"];

/** The first and the longest wait before an export that is being built is loaded again, in milliseconds. */
const [POLL_FIRST_MS, POLL_LONGEST_MS] = [2_500, 15_000];

export function DataExport() {
  const t = text.value.privacy.export;
  const exports = useQuery(async () => (await unwrap(api.GET("/v1/privacy/exports"))).items);
  const mutation = useMutation();
  const polls = useRef(0);
  const isRunning = exports.data?.some(({ status }) => status === "building") ?? false;
  useEffect(() => {
    if (!isRunning) {
      polls.current = 0;
      return;
    }
    const timer = setTimeout(exports.refetch, growingWait(polls.current++, POLL_FIRST_MS, POLL_LONGEST_MS));
    return () => clearTimeout(timer);
  }, [exports.data, exports.error]);
  const create = () =>
    mutation.run(async () => {
      const params = idempotencyHeader();
      await withRecentSignIn(() => unwrap(api.POST("/v1/privacy/exports", { params })));
      await exports.refetch();
    });
  return (
    <PrivacyPage lead={t.lead}>
      <div class="row">
        <button type="button" class="button primary" disabled={mutation.busy || isRunning} onClick={create}>
          {t.create}
        </button>
        {isRunning && <span class="muted small">{t.leave}</span>}
      </div>
      <ErrorNotice error={mutation.error ?? exports.error} retry={exports.error && exports.refetch} />
      {!exports.data && exports.busy && <Loading />}
      {exports.data?.length === 0 && <p class="muted">{t.empty}</p>}
      <ul class="stack" aria-live="polite">
        {[...(exports.data ?? [])].reverse().map((item) => (
          <li key={item.id}>
            <ExportCard item={item} />
          </li>
        ))}
      </ul>
    </PrivacyPage>
  );
}

function ExportCard({ item }: { item: ExportView }) {
  const t = text.value.privacy.export;
  const mutation = useMutation();
  const { status } = item;
  // A download link is valid for minutes: it is requested on each press.
  const download = () =>
    mutation.run(async () => {
      const params = { path: { id: item.id } };
      const { download } = await unwrap<ExportView>(api.GET("/v1/privacy/exports/{id}", { params }));
      if (download) location.assign(download.url);
    });
  const isAvailable = status === "ready" && item.download_until && Date.parse(item.download_until) > Date.now();
  return (
    <article class="card stack tight">
      <div class="row spread">
        <h2>{t.requested(relativeTime(item.requested_at))}</h2>
        <span class={status === "ready" ? "tag success" : status === "failed" ? "tag accent" : "tag"}>{t[status]}</span>
      </div>
      {status === "building" && <ExportProgress item={item} />}
      {isAvailable && (
        <div class="row spread">
          <span class="small muted">{t.availableUntil(dateTime(item.download_until ?? ""))}</span>
          <button type="button" class="button" disabled={mutation.busy} onClick={download}>
            <Icon name="download" />
            {t.download}
            {item.bytes ? ` (${bytes(item.bytes)})` : ""}
          </button>
        </div>
      )}
      <ErrorNotice error={mutation.error} />
    </article>
  );
}

function ExportProgress({ item: { progress, due_at } }: { item: ExportView }) {
  const t = text.value.privacy.export;
  const percent = progress.bytes_total ? Math.round((100 * progress.bytes) / progress.bytes_total) : undefined;
  return (
    <>
      <div
        class={percent === undefined ? "bar indeterminate" : "bar"}
        role="progressbar"
        aria-label={t.building}
        aria-valuenow={percent ?? 0}
      >
        <i style={percent === undefined ? {} : { inlineSize: `${percent}%` }} />
      </div>
      <p class="small muted">
        {t.progress(progress.files, progress.files_total)} {t.due(dateTime(due_at))}
      </p>
    </>
  );
}
