/** Correcting what is held: name, address for receipts, and the address that signs in. */
import { useState } from "preact/hooks";

import { correct, me } from "../accounts/account";
import { withRecentSignIn } from "../accounts/sign-in-dialog";
import { api, ask, once } from "../api/client";
import { signOut } from "../api/session";
import { go } from "../router";
import { moment, text } from "../text";
import { Field } from "../ui/field";
import { More, usePages } from "../ui/paged-list";
import { useAct } from "../ui/query";
import { TroubleNotice } from "../ui/states";
import { say } from "../ui/toasts";
import { Frame } from "./layout";

export function Corrections() {
  const t = text.value.privacy.corrections;
  return (
    <Frame lead={t.lead}>
      {me.value && <Profile key={me.value.id} />}
      <Email />
      <Log key={JSON.stringify([me.value?.display_name, me.value?.billing_email])} />
    </Frame>
  );
}

function Profile() {
  const t = text.value.privacy.corrections;
  const act = useAct();
  const [name, setName] = useState(me.value?.display_name ?? "");
  const [billing, setBilling] = useState(me.value?.billing_email ?? "");
  const submit = (event: Event) => {
    event.preventDefault();
    void act.act(async () => {
      await correct({ display_name: name.trim() || null, billing_email: billing.trim() || null });
      say(text.value.doing.saved);
    });
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <Field
        label={t.name}
        hint={t.nameHint}
        optional
        autocomplete="nickname"
        maxlength={80}
        value={name}
        onValue={setName}
        wrong={act.trouble?.rule("display_name")}
      />
      <Field
        label={t.billing}
        hint={t.billingHint}
        optional
        type="email"
        autocomplete="email"
        maxlength={128}
        value={billing}
        onValue={setBilling}
        wrong={act.trouble?.rule("billing_email")}
      />
      <TroubleNotice trouble={act.trouble} />
      <div>
        <button type="submit" class="button primary" disabled={act.busy}>
          {text.value.doing.save}
        </button>
      </div>
    </form>
  );
}

/** Both addresses must answer: nobody loses an account to a typing error, or to somebody at an open window. */
function Email() {
  const t = text.value.privacy.corrections;
  const act = useAct();
  const [email, setEmail] = useState("");
  const [codes, setCodes] = useState<{ present: string; next: string }>();
  const sendCodes = () =>
    act.act(async () => {
      const params = once();
      await withRecentSignIn(() => ask(api.POST("/v1/account/email", { body: { email }, params })));
      setCodes({ present: "", next: "" });
    });
  const confirm = () =>
    act.act(async () => {
      if (!codes) return;
      await ask(
        api.POST("/v1/account/email/confirm", {
          body: { present_code: codes.present, new_code: codes.next },
          params: once(),
        }),
      );
      await signOut();
      go("/sign-in");
      say(t.changed);
    });
  const submit = (event: Event) => {
    event.preventDefault();
    void (codes ? confirm() : sendCodes());
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <div>
        <h2>{t.email}</h2>
        <p class="soft">
          <bdi>{me.value?.email}</bdi>
        </p>
      </div>
      <Field
        label={t.newEmail}
        hint={t.emailText}
        type="email"
        autocomplete="email"
        required
        maxlength={128}
        value={email}
        onValue={setEmail}
        wrong={act.trouble?.rule("email")}
      />
      {codes && (
        <>
          <Field
            label={t.presentCode}
            required
            maxlength={8}
            autocomplete="off"
            value={codes.present}
            onValue={(present) => setCodes({ ...codes, present: present.trim() })}
            wrong={act.trouble?.rule("present_code")}
          />
          <Field
            label={t.newCode}
            required
            maxlength={8}
            autocomplete="one-time-code"
            value={codes.next}
            onValue={(next) => setCodes({ ...codes, next: next.trim() })}
            wrong={act.trouble?.rule("new_code")}
          />
        </>
      )}
      <TroubleNotice trouble={act.trouble} />
      <div>
        <button type="submit" class="button" disabled={act.busy}>
          {codes ? t.change : t.sendCodes}
        </button>
      </div>
    </form>
  );
}

function Log() {
  const t = text.value.privacy.corrections;
  const pages = usePages((cursor) =>
    ask(api.GET("/v1/account/corrections", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <section class="stack">
      <h2>{t.log}</h2>
      <TroubleNotice trouble={pages.trouble} retry={pages.again} />
      {pages.begun && pages.items.length === 0 && <p class="soft">{t.nothing}</p>}
      <dl class="log">
        {pages.items.map(({ id, fields, at }) => (
          <div key={id} class="line">
            <dt>
              <strong>{fields.map((field) => t.fields[field]).join(", ")}</strong>
              <time datetime={at}>{moment(at)}</time>
            </dt>
          </div>
        ))}
      </dl>
      <More pages={pages} />
    </section>
  );
}
