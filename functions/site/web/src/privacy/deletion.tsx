/** Deleting everything: what goes, what the law keeps, and the receipt. */
import { useState } from "preact/hooks";

import { closing, load, me } from "../accounts/account";
import { withRecentSignIn } from "../accounts/sign-in-dialog";
import { api, ask, once, type Schema } from "../api/client";
import { day, moment, number, relative, text } from "../text";
import { Field } from "../ui/field";
import { useAct, useAsked } from "../ui/query";
import { Empty, Loading, TroubleNotice } from "../ui/states";
import { useTitle } from "../ui/title";
import { say } from "../ui/toasts";
import { Frame } from "./layout";

type Asked = Schema["DeletionView"];

export function Deletion() {
  const t = text.value.privacy.deletion;
  const asked = useAsked(
    async () => (closing.value ? await ask<Asked>(api.GET("/v1/privacy/deletion")) : null),
    [closing.value],
  );
  return (
    <Frame lead={t.lead}>
      {asked.value === undefined && asked.busy && <Loading />}
      <TroubleNotice trouble={asked.trouble} retry={asked.again} />
      {asked.value === null && <Ask onAsked={asked.set} />}
      {asked.value && <Pending asked={asked.value} onKept={() => asked.set(null)} />}
    </Frame>
  );
}

function Ask({ onAsked }: { onAsked: (asked: Asked) => void }) {
  const t = text.value.privacy;
  const act = useAct();
  const [typed, type] = useState("");
  const inventory = useAsked(() => ask(api.GET("/v1/privacy/inventory")));
  const personal = inventory.value?.kinds.filter((kind) => kind.personal) ?? [];
  const submit = (event: Event) => {
    event.preventDefault();
    void act.act(async () => {
      const params = once();
      onAsked(
        await withRecentSignIn(() =>
          ask<Asked>(api.POST("/v1/privacy/deletion", { body: { confirmation: typed }, params })),
        ),
      );
      closing.value = true;
    });
  };
  const account = me.value;
  return (
    <>
      <div class="card stack">
        <h2>{t.deletion.goes}</h2>
        <ul class="goes">
          {personal.map((kind) => (
            <li key={kind.name} lang="en">
              {kind.purpose}
            </li>
          ))}
        </ul>
        {account && account.credits.available > 0 && (
          <p>
            <strong>{t.deletion.credits(account.credits.available)}</strong>
          </p>
        )}
        <h2>{t.deletion.stays}</h2>
        <p>{t.deletion.staysText}</p>
        {account?.held?.map((hold) => (
          <div class="notice" key={hold.at}>
            <div>
              <strong>{t.deletion.held}</strong>
              <p>
                {hold.reason} ({hold.kinds.join(", ")})
              </p>
            </div>
          </div>
        ))}
        <p>
          <a href="/privacy/export">{t.deletion.takeOut}</a>
        </p>
      </div>
      <form class="card stack" onSubmit={submit}>
        <Field
          label={t.deletion.confirm}
          hint={account?.email}
          type="email"
          autocomplete="off"
          required
          maxlength={128}
          value={typed}
          onValue={type}
          wrong={act.trouble?.rule("confirmation")}
        />
        <TroubleNotice trouble={act.trouble} />
        <div>
          <button type="submit" class="button danger" disabled={act.busy || typed.toLowerCase() !== account?.email}>
            {t.deletion.button}
          </button>
        </div>
      </form>
    </>
  );
}

function Pending({ asked, onKept }: { asked: Asked; onKept: () => void }) {
  const t = text.value.privacy.deletion;
  const act = useAct();
  const keep = () =>
    act.act(async () => {
      await ask(api.DELETE("/v1/privacy/deletion", { params: once() }));
      closing.value = false;
      onKept();
      await load();
      say(t.kept);
    });
  const receipt = `${location.origin}/privacy/receipts/${asked.receipt}`;
  return (
    <section class="card stack" aria-live="polite">
      <h2>{t.asked}</h2>
      <p>
        {t.askedAt(moment(asked.asked_at))}. {t.at(relative(asked.erase_at))}
      </p>
      {asked.held.map((hold) => (
        <div class="notice" key={hold.at}>
          <div>
            <strong>{t.held}</strong>
            <p>
              {hold.reason} ({hold.kinds.join(", ")})
            </p>
          </div>
        </div>
      ))}
      <h3>{t.receipt}</h3>
      <p class="soft">{t.receiptText}</p>
      <input
        class="input"
        readonly
        value={receipt}
        aria-label={t.receipt}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="row">
        <a class="button" href={`/privacy/receipts/${asked.receipt}`}>
          {t.open}
        </a>
        {asked.can_be_taken_back && (
          <button type="button" class="button" disabled={act.busy} onClick={keep}>
            {t.back}
          </button>
        )}
      </div>
      {asked.can_be_taken_back && <p class="small soft">{t.backText}</p>}
      <TroubleNotice trouble={act.trouble} />
    </section>
  );
}

export function Receipt({ id }: { id: string }) {
  const t = text.value.privacy.receipt;
  useTitle(t.title);
  const asked = useAsked(
    () => ask<Schema["ReceiptView"]>(api.GET("/v1/privacy/receipts/{id}", { params: { path: { id } } })),
    [id],
  );
  const receipt = asked.value;
  if (asked.trouble?.status === 404) {
    return (
      <Empty page title={t.none}>
        <p>{t.noneText}</p>
        <button type="button" class="button" disabled={asked.busy} onClick={asked.again}>
          {text.value.doing.retry}
        </button>
      </Empty>
    );
  }
  return (
    <div class="page narrow">
      <header>
        <h1>{t.title}</h1>
      </header>
      {!receipt && asked.busy && <Loading />}
      <TroubleNotice trouble={asked.trouble} retry={asked.again} />
      {receipt && (
        <article class="card stack receipt">
          <p>
            <code>{receipt.id}</code>
          </p>
          <p>{receipt.erased_at ? t.done(moment(receipt.erased_at)) : t.going}</p>
          <h2>{t.gone}</h2>
          <dl class="facts">
            {Object.entries(receipt.erased).map(([kind, count]) => (
              <div class="line" key={kind}>
                <dt lang="en">{kind}</dt>
                <dd>{number(count)}</dd>
              </div>
            ))}
          </dl>
          <h2>{t.law}</h2>
          <p>
            {receipt.payments_kept > 0
              ? t.kept(receipt.payments_kept, receipt.payments_until ? day(receipt.payments_until) : "")
              : t.keptNone}
          </p>
          {receipt.copies_left > 0 && <p>{t.copies(receipt.copies_left)}</p>}
          {!receipt.erased_at && (
            <div>
              <button type="button" class="button" onClick={asked.again}>
                {text.value.doing.retry}
              </button>
            </div>
          )}
        </article>
      )}
    </div>
  );
}
