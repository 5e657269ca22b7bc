/** Taking everything out: asked for, followed, downloaded. */
import { useEffect } from "preact/hooks";
import { withRecentSignIn } from "../accounts/sign-in-dialog";
import { api, ask, once, type Schema } from "../api/client";
import { bytes, moment, relative, text } from "../text";
import { Icon } from "../ui/icon";
import { useAct, useAsked } from "../ui/query";
import { Loading, TroubleNotice } from "../ui/states";
import { Frame } from "./layout";

type Archive = Schema["ExportView"];

const ASK_EVERY_MS = 2_500;

export function Export() {
  const t = text.value.privacy.export;
  const archives = useAsked(async () => (await ask(api.GET("/v1/privacy/exports"))).items);
  const act = useAct();
  const making = archives.value?.some(({ status }) => status === "making") ?? false;
  useEffect(() => {
    if (!making) return;
    const timer = setTimeout(archives.again, ASK_EVERY_MS);
    return () => clearTimeout(timer);
  }, [archives.value, archives.trouble]);
  const begin = () =>
    act.act(async () => {
      const params = once();
      await withRecentSignIn(() => ask(api.POST("/v1/privacy/exports", { params })));
      await archives.again();
    });
  return (
    <Frame lead={t.lead}>
      <div class="row">
        <button type="button" class="button primary" disabled={act.busy || making} onClick={begin}>
          {t.ask}
        </button>
        {making && <span class="soft small">{t.leave}</span>}
      </div>
      <TroubleNotice trouble={act.trouble ?? archives.trouble} retry={archives.trouble && archives.again} />
      {!archives.value && archives.busy && <Loading />}
      {archives.value?.length === 0 && <p class="soft">{t.nothing}</p>}
      <ul class="stack" aria-live="polite">
        {[...(archives.value ?? [])].reverse().map((archive) => (
          <li key={archive.id}>
            <Card archive={archive} />
          </li>
        ))}
      </ul>
    </Frame>
  );
}

function Card({ archive }: { archive: Archive }) {
  const t = text.value.privacy.export;
  const act = useAct();
  const { progress, status } = archive;
  const part = progress.bytes_total ? progress.bytes / progress.bytes_total : 0;
  // A link lives for minutes, so it is made when it is needed.
  const download = () =>
    act.act(async () => {
      const { download } = await ask<Archive>(
        api.GET("/v1/privacy/exports/{id}", { params: { path: { id: archive.id } } }),
      );
      if (download) location.assign(download.url);
    });
  const downloadable = status === "ready" && archive.download_until && Date.parse(archive.download_until) > Date.now();
  return (
    <article class="card stack tight">
      <div class="row apart">
        <h2>{t.asked(relative(archive.asked_at))}</h2>
        <span class={status === "ready" ? "tag good" : status === "failed" ? "tag accent" : "tag"}>
          {status === "failed" ? t.failed : t[status]}
        </span>
      </div>
      {status === "making" && (
        <>
          <div
            class={progress.bytes_total ? "bar" : "bar unknown"}
            role="progressbar"
            aria-label={t.making}
            aria-valuenow={Math.round(part * 100)}
          >
            <i style={progress.bytes_total ? { inlineSize: `${Math.round(part * 100)}%` } : {}} />
          </div>
          <p class="small soft">
            {t.progress(progress.files, progress.files_total)} {t.due(moment(archive.due_at))}
          </p>
        </>
      )}
      {downloadable && (
        <div class="row apart">
          <span class="small soft">{t.until(moment(archive.download_until ?? ""))}</span>
          <button type="button" class="button" disabled={act.busy} onClick={download}>
            <Icon name="download" />
            {t.download}
            {archive.bytes ? ` (${bytes(archive.bytes)})` : ""}
          </button>
        </div>
      )}
      <TroubleNotice trouble={act.trouble} />
    </article>
  );
}
