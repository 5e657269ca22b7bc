/** The moderation cases of the account: what was reported and decided, and appeals. */
import { useState } from "preact/hooks";

import { currentAccount } from "../accounts/account";
import { api, type Schema, unwrap } from "../api/client";
import { date, dateTime, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";

type Case = Schema["CaseView"];

const loadPage = (cursor?: string) =>
  unwrap<Schema["CasePage"]>(api.GET("/v1/moderation/cases", { params: { query: { ...(cursor ? { cursor } : {}) } } }));

export function Cases() {
  const t = text.value.moderation;
  const list = usePagedList(loadPage);
  const [changed, setChanged] = useState<Record<string, Case>>({});
  const suspended = currentAccount.value?.publishing_suspended_at;
  return (
    <div class="stack">
      <p class="muted">{t.cases.lead}</p>
      {suspended && (
        <div class="notice error">
          <p>{t.cases.suspended(date(suspended))}</p>
        </div>
      )}
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      {list.loaded && list.items.length === 0 && <p class="muted">{t.cases.empty}</p>}
      <ul class="stack">
        {list.items.map((item) => (
          <li key={item.id}>
            <CaseCard
              item={changed[item.id] ?? item}
              onChanged={(next) => setChanged((before) => ({ ...before, [next.id]: next }))}
            />
          </li>
        ))}
      </ul>
      <LoadMore list={list} />
    </div>
  );
}

function CaseCard({ item, onChanged }: { item: Case; onChanged: (item: Case) => void }) {
  const t = text.value.moderation;
  const { decision, appeal, hidden_at, appeal_until } = item;
  return (
    <article class="card stack">
      <div class="row spread">
        <h2>{t.reasons[item.reason]}</h2>
        <a class="small" href={`/gallery/${item.generation}?n=${item.output}`}>
          {t.cases.show}
        </a>
      </div>
      <p class="small muted">{t.cases.reported(dateTime(item.opened_at), item.reports)}</p>
      {!decision && hidden_at && <p>{t.cases.hidden(dateTime(item.decide_by))}</p>}
      {!decision && !hidden_at && <p>{t.cases.open(dateTime(item.decide_by))}</p>}
      {decision && (
        <dl class="facts">
          <dt>{t.cases.decision}</dt>
          <dd>
            {t.cases.actions[decision.action]} <time datetime={decision.at}>{dateTime(decision.at)}</time>
          </dd>
          <dt>{t.cases.rule}</dt>
          <dd>{t.reasons[decision.reason]}</dd>
          <dt>{t.cases.explanation}</dt>
          <dd dir="auto">{decision.explanation}</dd>
          <dt>{t.cases.decidedBy}</dt>
          <dd>{t.cases.person}</dd>
          {decision.suspends_publishing && (
            <>
              <dt>{t.cases.consequence}</dt>
              <dd>{t.cases.suspends}</dd>
            </>
          )}
          {decision.freezes && (
            <>
              <dt>{t.cases.consequence}</dt>
              <dd>{t.cases.freezes}</dd>
            </>
          )}
        </dl>
      )}
      {appeal && (
        <dl class="facts">
          <dt>{t.cases.appeal}</dt>
          <dd dir="auto">{appeal.text}</dd>
          <dt>{t.cases.outcome}</dt>
          <dd>
            {!appeal.outcome && t.cases.waiting(dateTime(item.decide_by))}
            {appeal.outcome && (appeal.outcome.reversed ? t.cases.reversed : t.cases.upheld)}
          </dd>
          {appeal.outcome && (
            <>
              <dt>{t.cases.explanation}</dt>
              <dd dir="auto">{appeal.outcome.explanation}</dd>
            </>
          )}
        </dl>
      )}
      {appeal_until && <Appeal id={item.id} until={appeal_until} onAppealed={onChanged} />}
    </article>
  );
}

interface AppealProperties {
  id: string;
  until: string;
  onAppealed: (item: Case) => void;
}

function Appeal({ id, until, onAppealed }: AppealProperties) {
  const t = text.value.moderation.cases;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [message, setMessage] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = { text: message };
      const params = { path: { id }, ...key.paramsFor(body) };
      onAppealed(await unwrap<Case>(api.POST("/v1/moderation/cases/{id}/appeal", { params, body })));
      key.reset();
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Area
        label={t.appealText}
        hint={t.appealHint(date(until))}
        required
        maxlength={2000}
        rows={3}
        value={message}
        onValue={setMessage}
        error={fieldMessage(mutation.error, "text")}
      />
      <ErrorNotice error={mutation.error} />
      <div class="row">
        <button type="submit" class="button" disabled={mutation.busy}>
          {t.sendAppeal}
        </button>
      </div>
    </form>
  );
}
