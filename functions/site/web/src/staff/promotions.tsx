/** Promotions: codes that give credits, which administrators publish and end. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, number } from "../text";
import { Field } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { ActionButton } from "./forms";
import { StaffPage } from "./layout";
import { staffText } from "./text";

type Promotion = Schema["PromotionView"];

export function Promotions() {
  const t = staffText.value.promotions;
  const list = usePagedList<Promotion>((cursor) =>
    unwrap(api.GET("/v1/staff/promotions", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <StaffPage lead={t.lead}>
      <Publish reload={list.reload} />
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      {list.loaded && list.items.length === 0 && <p class="muted">{t.none}</p>}
      <dl class="log">
        {list.items.map((promotion) => (
          <Entry key={promotion.code} promotion={promotion} reload={list.reload} />
        ))}
      </dl>
      <LoadMore list={list} />
    </StaffPage>
  );
}

function Entry({ promotion, reload }: { promotion: Promotion; reload: () => Promise<unknown> }) {
  const t = staffText.value.promotions;
  const { code, credits, limit, redeemed, until } = promotion;
  const isOpen = Date.parse(until) > Date.now() && redeemed < limit;
  const end = async (params: object) => {
    await unwrap(api.POST("/v1/staff/promotions/end", { params, body: { code } }));
    await reload();
  };
  return (
    <div class="log-entry">
      <dt>
        <strong>{code}</strong>
        <time datetime={until}>{t.until(dateTime(until))}</time>
      </dt>
      <dd class="stack tight">
        <span class="row">
          <span>{t.credits(number(credits))}</span>
          <span class="small muted">{t.redeemed(number(redeemed), number(limit))}</span>
          {!isOpen && <span class="tag">{t.over}</span>}
        </span>
        {isOpen && <ActionButton label={t.end} about={code} run={end} />}
      </dd>
    </div>
  );
}

function Publish({ reload }: { reload: () => Promise<unknown> }) {
  const t = staffText.value.promotions;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [code, setCode] = useState("");
  const [credits, setCredits] = useState("");
  const [limit, setLimit] = useState("");
  const [last, setLast] = useState("");
  const [done, setDone] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    setDone("");
    void mutation.run(async () => {
      const until = new Date(`${last}T23:59:59`).toISOString();
      const body = { code: code.trim(), credits: Number(credits), limit: Number(limit), until };
      const params = key.paramsFor(body);
      const published = await unwrap<Promotion>(api.POST("/v1/staff/promotions", { params, body }));
      key.reset();
      await reload();
      setDone(t.done(published.code));
      setCode("");
    });
  };
  const { error } = mutation;
  const rule = (field: string, text: string) => (error?.hasField(field) ? text : undefined);
  return (
    <section class="card stack">
      <h2>{t.newTitle}</h2>
      <form class="stack" onSubmit={submit}>
        <div class="field-grid">
          <Field
            label={t.code}
            hint={t.codeHint}
            required
            autocomplete="off"
            maxlength={32}
            value={code}
            onValue={setCode}
            error={rule("code", t.codeRule)}
          />
          <Field
            label={t.amount}
            inputmode="numeric"
            pattern="[0-9]+"
            required
            maxlength={5}
            value={credits}
            onValue={setCredits}
            error={rule("credits", t.amountRule)}
          />
          <Field
            label={t.limit}
            inputmode="numeric"
            pattern="[0-9]+"
            required
            maxlength={7}
            value={limit}
            onValue={setLimit}
            error={rule("limit", t.limitRule)}
          />
          <Field label={t.last} type="date" required value={last} onValue={setLast} error={rule("until", t.lastRule)} />
        </div>
        <ErrorNotice error={error} message={error?.type === "conflict" ? t.taken : undefined} />
        {done && (
          <p class="notice success" role="status">
            {done}
          </p>
        )}
        <div class="row">
          <button type="submit" class="button primary" disabled={mutation.busy}>
            {t.publish}
          </button>
        </div>
      </form>
    </section>
  );
}
