/** A document of the operator: a form for the published version, what changes by it, and earlier versions. */
import type { ComponentType, RefObject } from "preact";
import { useRef, useState } from "preact/hooks";

import type { IdempotencyHeader, Schema } from "../api/client";
import { dateTime, number } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { type Change, changes } from "./document-changes";
import { StaffPage } from "./layout";
import { staffText } from "./text";

type Summary = Schema["DocumentVersionSummary"];

/** A version of a document; 0 is the compiled default. */
export interface Version<D> {
  number: number;
  document: D;
}

/** What is published. */
interface Publication<D> {
  expected: number;
  reason: string;
  low_prices_reason?: string;
  document: D;
}

/** The routes of a document. */
export interface DocumentRoutes<D> {
  list: (query: { limit: number; cursor?: string }) => Promise<Schema["DocumentVersionPage"]>;
  version: (number: string) => Promise<Version<D>>;
  publish: (body: Publication<D>, params: IdempotencyHeader) => Promise<Summary>;
}

export interface FormProperties<D> {
  form: RefObject<HTMLFormElement | null>;
  document: D;
  /** Returns the rule that the API says a field breaks, by the path of the field. */
  rule: (field: string) => string | undefined;
  onChange: (document: D) => void;
  onReview: () => void;
}

interface DeskProperties<D> {
  lead: string;
  routes: DocumentRoutes<D>;
  /** The fields of the form, by their paths. */
  shownFields: (document: D) => Set<string>;
  Form: ComponentType<FormProperties<D>>;
}

export function DocumentDesk<D>({ lead, routes, shownFields, Form }: DeskProperties<D>) {
  const published = useQuery(async () => {
    const { items } = await routes.list({ limit: 1 });
    return routes.version(String(items[0]?.number ?? 0));
  });
  return (
    <StaffPage lead={lead}>
      {!published.data && published.busy && <Loading />}
      <ErrorNotice error={published.error} retry={published.refetch} />
      {published.data && (
        <Desk published={published.data} refetch={published.refetch} {...{ routes, shownFields, Form }} />
      )}
    </StaffPage>
  );
}

/** The published version, what the person makes of it, and the versions before. */
function Desk<D>({
  published,
  refetch,
  routes,
  shownFields,
  Form,
}: Omit<DeskProperties<D>, "lead"> & { published: Version<D>; refetch: () => Promise<unknown> }) {
  const t = staffText.value.documents;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const form = useRef<HTMLFormElement | null>(null);
  const review = useRef<HTMLHeadingElement>(null);
  const [draft, setDraft] = useState<D>();
  const [reason, setReason] = useState("");
  const [lowPricesReason, setLowPricesReason] = useState("");
  const [notice, setNotice] = useState("");
  const document = draft ?? published.document;
  const found = changes(published.document, document);
  const { error } = mutation;
  const asksWhy = error?.type === "price-below-margin" || lowPricesReason !== "";

  const start = (document: D | undefined, why: string, happened: string) => {
    setDraft(() => document);
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
      const { number } = await routes.publish(body, params);
      key.reset();
      await refetch();
      start(undefined, "", t.done(number));
    });
  };
  const shown = shownFields(document);
  const others = (error?.problem?.errors ?? []).filter(({ field }) => !shown.has(field));
  return (
    <>
      <Form
        form={form}
        document={document}
        rule={(field) => error?.problem?.errors?.find((one) => one.field === field)?.rule}
        onChange={(changed) => setDraft(() => changed)}
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
        routes={routes}
        published={published.number}
        onLoad={(version) => start(version.document, t.backTo(version.number), t.loaded(version.number))}
      />
    </>
  );
}

/** Fields that differ, with both values. */
function Changes({ changes }: { changes: readonly Change[] }) {
  const t = staffText.value.documents;
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
function Versions<D>({
  routes,
  published,
  onLoad,
}: {
  routes: DocumentRoutes<D>;
  published: number;
  onLoad: (version: Version<D>) => void;
}) {
  const t = staffText.value.documents;
  const list = usePagedList((cursor) => routes.list({ limit: 20, ...(cursor ? { cursor } : {}) }), [published]);
  return (
    <section class="card stack">
      <h2>{t.versions}</h2>
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      <dl class="log">
        {list.items.map((summary) => (
          <Entry key={summary.number} number={summary.number} summary={summary} routes={routes} onLoad={onLoad} />
        ))}
        {list.loaded && !list.next && <Entry number={0} routes={routes} onLoad={onLoad} />}
      </dl>
      <LoadMore list={list} />
    </section>
  );
}

interface EntryProperties<D> {
  number: number;
  summary?: Summary;
  routes: DocumentRoutes<D>;
  onLoad: (version: Version<D>) => void;
}

function Entry<D>({ number: version, summary, routes, onLoad }: EntryProperties<D>) {
  const t = staffText.value.documents;
  const mutation = useMutation();
  const [found, setFound] = useState<readonly Change[]>();
  const compare = () =>
    mutation.run(async () => {
      const [before, after] = await Promise.all([routes.version(String(version - 1)), routes.version(String(version))]);
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
            onClick={() => void mutation.run(async () => onLoad(await routes.version(String(version))))}
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
