/** The catalogue: models and packages with their prices, as a form; what changes by it; and earlier versions. */
import { useRef, useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, number } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { type Change, changes, type Document } from "./catalogue-document";
import { CatalogueForm, shownFields } from "./catalogue-form";
import { StaffPage } from "./layout";
import { staffText } from "./text";

type Version = Schema["CatalogueVersionView"];

/** Loads a version; 0 is the compiled default. */
const loadVersion = (number: number): Promise<Version> =>
  unwrap(api.GET("/v1/staff/catalogue/versions/{number}", { params: { path: { number: String(number) } } }));

/** Loads a page of what was published, the latest first. */
const loadSummaries = (cursor: string | undefined, limit: number): Promise<Schema["CatalogueVersionPage"]> => {
  const query = { limit, ...(cursor ? { cursor } : {}) };
  return unwrap(api.GET("/v1/staff/catalogue/versions", { params: { query } }));
};

async function loadPublished(): Promise<Version> {
  const { items } = await loadSummaries(undefined, 1);
  return loadVersion(items[0]?.number ?? 0);
}

export function Catalogue() {
  const t = staffText.value.catalogue;
  const published = useQuery(loadPublished);
  return (
    <StaffPage lead={t.lead}>
      {!published.data && published.busy && <Loading />}
      <ErrorNotice error={published.error} retry={published.refetch} />
      {published.data && <Desk published={published.data} refetch={published.refetch} />}
    </StaffPage>
  );
}

/** The published version, what the person makes of it, and the versions before. */
function Desk({ published, refetch }: { published: Version; refetch: () => Promise<unknown> }) {
  const t = staffText.value.catalogue;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const form = useRef<HTMLFormElement | null>(null);
  const review = useRef<HTMLHeadingElement>(null);
  const [draft, setDraft] = useState<Document>();
  const [reason, setReason] = useState("");
  const [lowPricesReason, setLowPricesReason] = useState("");
  const [notice, setNotice] = useState("");
  const document = draft ?? published.document;
  const found = changes(published.document, document);
  const { error } = mutation;
  const asksWhy = error?.type === "price-below-margin" || lowPricesReason !== "";

  const start = (document: Document | undefined, why: string, happened: string) => {
    setDraft(document);
    setReason(why);
    setLowPricesReason("");
    setNotice(happened);
    void mutation.run(async () => undefined);
    review.current?.focus();
  };
  const publish = (event: Event) => {
    event.preventDefault();
    if (!form.current?.reportValidity()) return;
    setNotice("");
    void mutation.run(async () => {
      const why = asksWhy && lowPricesReason ? { low_prices_reason: lowPricesReason } : {};
      const body = { expected: published.number, reason, ...why, document };
      const params = key.paramsFor(body);
      const { number } = await unwrap<Schema["CatalogueVersionSummary"]>(
        api.POST("/v1/staff/catalogue/versions", { params, body }),
      );
      key.reset();
      await refetch();
      start(undefined, "", t.done(number));
    });
  };
  const shown = shownFields(document);
  const others = (error?.problem?.errors ?? []).filter(({ field }) => !shown.has(field));
  return (
    <>
      <CatalogueForm
        form={form}
        document={document}
        rule={(field) => error?.problem?.errors?.find((one) => one.field === field)?.rule}
        onChange={setDraft}
        onReview={() => review.current?.focus()}
      />
      <section class="card stack">
        <h2 tabindex={-1} ref={review}>
          {t.changes(published.number)}
        </h2>
        {notice && (
          <p class="notice success" role="status">
            {notice}
          </p>
        )}
        <Changes changes={found} />
        <form class="stack" onSubmit={publish}>
          <Area
            label={t.reason}
            hint={t.reasonHint}
            rows={2}
            required
            maxlength={500}
            value={reason}
            onValue={setReason}
            error={fieldMessage(error, "reason")}
          />
          {asksWhy && (
            <Area
              label={t.lowPricesReason}
              hint={t.lowPricesHint}
              rows={2}
              required={error?.type === "price-below-margin"}
              maxlength={500}
              value={lowPricesReason}
              onValue={setLowPricesReason}
              error={fieldMessage(error, "low_prices_reason")}
            />
          )}
          <ErrorNotice error={error} message={error?.type === "conflict" ? t.overtaken : undefined} />
          {others.length > 0 && (
            <ul class="stack tight">
              {others.map(({ field, rule }) => (
                <li key={`${field} ${rule}`} class="field-error">
                  <code>{field}</code>: {rule}
                </li>
              ))}
            </ul>
          )}
          <div class="row">
            <button type="submit" class="button primary" disabled={mutation.busy || found.length === 0}>
              {t.publish}
            </button>
            {error?.type === "conflict" && (
              <button type="button" class="button" onClick={() => void refetch()}>
                {t.compareAgain}
              </button>
            )}
            <button
              type="button"
              class="button"
              disabled={mutation.busy || !draft}
              onClick={() => start(undefined, "", t.discarded)}
            >
              {t.discard}
            </button>
          </div>
        </form>
      </section>
      <Versions
        published={published.number}
        onLoad={(version) => start(version.document, t.backTo(version.number), t.loaded(version.number))}
      />
    </>
  );
}

/** Fields that differ, with both values. */
function Changes({ changes }: { changes: readonly Change[] }) {
  const t = staffText.value.catalogue;
  if (changes.length === 0) return <p class="muted">{t.unchanged}</p>;
  return (
    <dl class="log">
      {changes.map(({ field, before, after }) => (
        <div key={field} class="log-entry">
          <dt>
            <code>{field}</code>
          </dt>
          <dd>
            <span class="small muted">
              {t.before} <code>{shownValue(before)}</code>
            </span>
            <span>
              {t.after} <code>{shownValue(after)}</code>
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function shownValue(value: unknown): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What was published, the latest first, and the compiled default. */
function Versions({ published, onLoad }: { published: number; onLoad: (version: Version) => void }) {
  const t = staffText.value.catalogue;
  const list = usePagedList((cursor) => loadSummaries(cursor, 20), [published]);
  return (
    <section class="card stack">
      <h2>{t.versions}</h2>
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      <dl class="log">
        {list.items.map((summary) => (
          <Entry key={summary.number} number={summary.number} summary={summary} onLoad={onLoad} />
        ))}
        {list.loaded && !list.next && <Entry number={0} onLoad={onLoad} />}
      </dl>
      <LoadMore list={list} />
    </section>
  );
}

interface EntryProperties {
  number: number;
  summary?: Schema["CatalogueVersionSummary"];
  onLoad: (version: Version) => void;
}

function Entry({ number: version, summary, onLoad }: EntryProperties) {
  const t = staffText.value.catalogue;
  const mutation = useMutation();
  const [found, setFound] = useState<readonly Change[]>();
  const compare = () =>
    mutation.run(async () => {
      const [before, after] = await Promise.all([loadVersion(version - 1), loadVersion(version)]);
      setFound(changes(before.document, after.document));
    });
  return (
    <div class="log-entry">
      <dt>
        <strong>{summary ? t.version(number(version)) : t.compiled}</strong>
        {summary && <time datetime={summary.published_at}>{dateTime(summary.published_at)}</time>}
      </dt>
      <dd class="stack tight">
        {summary && (
          <span class="small muted">
            {t.member} <code>{summary.staff}</code>
          </span>
        )}
        {summary && <span dir="auto">{summary.reason}</span>}
        {summary?.low_prices_reason && (
          <span class="small" dir="auto">
            {t.lowPricesReason}: {summary.low_prices_reason}
          </span>
        )}
        <span class="row">
          {summary && (
            <button type="button" class="button small" disabled={mutation.busy} onClick={() => void compare()}>
              {t.compare(version)}
            </button>
          )}
          <button
            type="button"
            class="button small"
            disabled={mutation.busy}
            onClick={() => void mutation.run(async () => onLoad(await loadVersion(version)))}
          >
            {t.load(version)}
          </button>
        </span>
        <ErrorNotice error={mutation.error} />
        {found && <Changes changes={found} />}
      </dd>
    </div>
  );
}
