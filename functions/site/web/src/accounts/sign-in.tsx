/** Sign-up, confirmation, sign-in, forgotten password: one page, whose forms hand the address on to each other. */
import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { api, ask, type Schema } from "../api/client";
import { open, session } from "../api/session";
import { go } from "../router";
import { text } from "../text";
import { Field, Password } from "../ui/field";
import { useAct } from "../ui/query";
import { TroubleNotice } from "../ui/states";
import { useTitle } from "../ui/title";
import { say } from "../ui/toasts";

/** What was typed on one form is there on the next. Kept nowhere else, and forgotten with the session. */
const email = signal("");
const password = signal("");

effect(() => {
  if (session.value === "none") email.value = password.value = "";
});

async function signIn(): Promise<void> {
  const signedIn = await ask<Schema["SignedIn"]>(
    api.POST("/v1/session/sign-in", { body: { email: email.value, password: password.value } }),
  );
  password.value = "";
  open(signedIn);
}

interface FormProperties {
  act: ReturnType<typeof useAct>;
  deed: () => Promise<unknown>;
  button: string;
  children: ComponentChildren;
}

function Form({ act, deed, button, children }: FormProperties) {
  const submit = (event: Event) => {
    event.preventDefault();
    void act.act(deed);
  };
  return (
    <form class="stack" onSubmit={submit}>
      {children}
      <TroubleNotice trouble={act.trouble} />
      <button type="submit" class="button primary" disabled={act.busy}>
        {button}
      </button>
    </form>
  );
}

function EmailField({ wrong }: { wrong?: string | undefined }) {
  return (
    <Field
      label={text.value.session.email}
      type="email"
      name="email"
      autocomplete="username"
      required
      maxlength={128}
      wrong={wrong}
      value={email.value}
      onValue={(value) => {
        email.value = value;
      }}
    />
  );
}

function CodeField({
  value,
  onValue,
  wrong,
}: {
  value: string;
  onValue: (value: string) => void;
  wrong?: string | undefined;
}) {
  const t = text.value.session;
  return (
    <Field
      label={t.code}
      hint={t.codeHint}
      name="code"
      autocomplete="one-time-code"
      inputmode="numeric"
      required
      maxlength={16}
      value={value}
      onValue={(code) => onValue(code.trim())}
      wrong={wrong}
    />
  );
}

/** The fields of a sign-in; `then` is what comes after it. */
export function SignInForm({ then }: { then?: () => void }) {
  const t = text.value.session;
  const act = useAct();
  const deed = async () => {
    await signIn();
    then?.();
  };
  return (
    <Form act={act} deed={deed} button={t.signIn}>
      <EmailField wrong={act.trouble?.rule("email")} />
      <Password
        label={t.password}
        autocomplete="current-password"
        value={password.value}
        onValue={(value) => {
          password.value = value;
        }}
      />
    </Form>
  );
}

function Frame({
  title,
  lead,
  children,
  foot,
}: {
  title: string;
  lead: string;
  children: ComponentChildren;
  foot: ComponentChildren;
}) {
  useTitle(title);
  return (
    <div class="page narrow door">
      <section class="card stack">
        <header class="stack tight">
          <h1>{title}</h1>
          <p class="soft">{lead}</p>
        </header>
        {children}
        <div class="row apart small">{foot}</div>
      </section>
    </div>
  );
}

export function SignIn({ to = "/" }: { to?: string }) {
  const t = text.value.session;
  return (
    <Frame
      title={t.signIn}
      lead={t.signInLead}
      foot={
        <>
          <a href="/forgot">{t.forgot}</a>
          <span>
            {t.isNew} <a href="/sign-up">{t.signUp}</a>
          </span>
        </>
      }
    >
      <SignInForm then={() => go(to, "replace")} />
    </Frame>
  );
}

export function SignUp() {
  const t = text.value.session;
  const act = useAct();
  const deed = async () => {
    await ask(api.POST("/v1/session/sign-up", { body: { email: email.value, password: password.value } }));
    go("/confirm");
  };
  return (
    <Frame
      title={t.signUp}
      lead={t.signUpLead}
      foot={
        <span>
          {t.isKnown} <a href="/sign-in">{t.signIn}</a>
        </span>
      }
    >
      <Form act={act} deed={deed} button={t.signUp}>
        <EmailField wrong={act.trouble?.rule("email")} />
        <Password
          label={t.password}
          hint={t.passwordHint}
          autocomplete="new-password"
          value={password.value}
          wrong={act.trouble?.rule("password")}
          onValue={(value) => {
            password.value = value;
          }}
        />
      </Form>
    </Frame>
  );
}

export function Confirm() {
  const t = text.value.session;
  const act = useAct();
  const again = useAct();
  const [code, setCode] = useState("");
  const deed = async () => {
    await ask(api.POST("/v1/session/confirm", { body: { email: email.value, code } }));
    if (password.value === "") return go("/sign-in");
    await signIn();
    go("/", "replace");
  };
  const resend = () =>
    again.act(async () => {
      await ask(api.POST("/v1/session/resend", { body: { email: email.value } }));
      say(t.resent);
    });
  return (
    <Frame
      title={t.confirm}
      lead={t.confirmLead(email.value)}
      foot={
        <button type="button" class="button quiet small" disabled={again.busy || !email.value} onClick={resend}>
          {t.resend}
        </button>
      }
    >
      <Form act={act} deed={deed} button={password.value ? t.confirmAndSignIn : t.confirm}>
        {(!email.value || act.trouble) && <EmailField wrong={act.trouble?.rule("email")} />}
        <CodeField value={code} onValue={setCode} wrong={act.trouble?.rule("code")} />
      </Form>
      <TroubleNotice trouble={again.trouble} />
    </Frame>
  );
}

export function Forgot() {
  const t = text.value.session;
  const act = useAct();
  const deed = async () => {
    await ask(api.POST("/v1/session/forgot", { body: { email: email.value } }));
    password.value = "";
    go("/reset");
  };
  return (
    <Frame
      title={t.forgot}
      lead={t.forgotLead}
      foot={
        <>
          <a href="/sign-in">{t.signIn}</a>
          <a href="/support">{t.noWay}</a>
        </>
      }
    >
      <Form act={act} deed={deed} button={t.sendCode}>
        <EmailField wrong={act.trouble?.rule("email")} />
      </Form>
    </Frame>
  );
}

export function Reset() {
  const t = text.value.session;
  const act = useAct();
  const [code, setCode] = useState("");
  const deed = async () => {
    await ask(api.POST("/v1/session/reset", { body: { email: email.value, code, password: password.value } }));
    await signIn();
    go("/", "replace");
  };
  return (
    <Frame title={t.reset} lead={t.resetLead(email.value)} foot={<a href="/forgot">{t.resend}</a>}>
      <Form act={act} deed={deed} button={t.reset}>
        {!email.value && <EmailField />}
        <CodeField value={code} onValue={setCode} wrong={act.trouble?.rule("code")} />
        <Password
          label={t.newPassword}
          hint={t.passwordHint}
          autocomplete="new-password"
          value={password.value}
          wrong={act.trouble?.rule("password")}
          onValue={(value) => {
            password.value = value;
          }}
        />
      </Form>
    </Frame>
  );
}
