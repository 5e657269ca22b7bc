/**
 * Sign-up, confirmation, sign-in and password reset: forms that pass the email address on to each other.
 *
 * The password that is chosen at the sign-up stays in memory until the code is entered: it is set together with the code.
 */
import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { ApiError } from "../api/error";
import { openSession, session } from "../api/session";
import { navigate } from "../router";
import { loadService, service } from "../service";
import { date, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { CodeField, Field, Password } from "../ui/field";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { useTitle } from "../ui/title";
import { showToast } from "../ui/toasts";
import { hasPasskeys, signWithPasskey } from "./passkey";

/** The values of one form are there on the next. They are in memory only, and forgotten on sign-out. */
const email = signal("");
const password = signal("");
const secondFactor = signal("");
/** Whether the account has a second factor, which the API tells after the right password. */
const secondFactorNeeded = signal(false);
/** Whether that can be a passkey, in this browser. */
const passkeyOffered = signal(false);

function forgetSecrets() {
  password.value = secondFactor.value = "";
  secondFactorNeeded.value = passkeyOffered.value = false;
}

effect(() => {
  if (session.value !== "signed-out") return;
  email.value = "";
  forgetSecrets();
});

async function sendCredentials(secondFactor: { code?: string; passkey?: Schema["PasskeyAssertion"] }): Promise<void> {
  const body = { email: email.value, password: password.value, ...secondFactor };
  const signedIn = await unwrap<Schema["SignedIn"]>(api.POST("/v1/session/sign-in", { body }));
  forgetSecrets();
  openSession(signedIn);
}

/**
 * Signs in, with the code if one was entered, and with a passkey if the account has one. Returns `false` if the form must ask for
 * the second factor first.
 */
async function signIn(code = secondFactor.value): Promise<boolean> {
  try {
    await sendCredentials(code ? { code } : {});
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.type !== "second-factor-needed") throw error;
    const request = hasPasskeys() ? error.problem?.passkey : undefined;
    secondFactorNeeded.value = true;
    passkeyOffered.value = Boolean(request);
    const passkey = request && (await signWithPasskey(request));
    if (!passkey) return false;
    await sendCredentials({ passkey });
    return true;
  }
}

interface FormProperties {
  mutation: ReturnType<typeof useMutation>;
  submit: () => Promise<unknown>;
  button: string;
  children: ComponentChildren;
}

function Form({ mutation, submit, button, children }: FormProperties) {
  const handle = (event: Event) => {
    event.preventDefault();
    void mutation.run(submit);
  };
  return (
    <form class="stack" onSubmit={handle}>
      {children}
      <ErrorNotice error={mutation.error} />
      <button type="submit" class="button primary" disabled={mutation.busy}>
        {button}
      </button>
    </form>
  );
}

function EmailField({ error }: { error?: string | undefined }) {
  return (
    <Field
      label={text.value.accounts.email}
      type="email"
      name="email"
      autocomplete="username"
      required
      maxlength={128}
      error={error}
      value={email.value}
      onValue={(value) => {
        email.value = value;
      }}
    />
  );
}

/** The fields of a sign-in. */
export function SignInForm({ onSignedIn }: { onSignedIn?: () => void }) {
  const t = text.value.accounts;
  const mutation = useMutation();
  const submit = async () => {
    if (await signIn()) onSignedIn?.();
  };
  const usePasskey = async () => {
    if (await signIn("")) onSignedIn?.();
  };
  return (
    <Form mutation={mutation} submit={submit} button={t.signIn}>
      <EmailField error={fieldMessage(mutation.error, "email")} />
      <Password
        label={t.password}
        autocomplete="current-password"
        value={password.value}
        onValue={(value) => {
          password.value = value;
        }}
      />
      {passkeyOffered.value && (
        <div>
          <button type="button" class="button" disabled={mutation.busy} onClick={() => void mutation.run(usePasskey)}>
            {t.secondFactor.usePasskey}
          </button>
        </div>
      )}
      {secondFactorNeeded.value && (
        <Field
          label={t.secondFactor.signInCode}
          hint={t.secondFactor.signInCodeHint}
          name="code"
          autocomplete="one-time-code"
          required
          maxlength={32}
          error={fieldMessage(mutation.error, "code")}
          value={secondFactor.value}
          onValue={(value) => {
            secondFactor.value = value;
          }}
        />
      )}
    </Form>
  );
}

interface AuthPageProperties {
  title: string;
  lead: string;
  children: ComponentChildren;
  footer: ComponentChildren;
}

function AuthPage({ title, lead, children, footer }: AuthPageProperties) {
  useTitle(title);
  return (
    <div class="page narrow auth-page">
      <section class="card stack">
        <header class="stack tight">
          <h1>{title}</h1>
          <p class="muted">{lead}</p>
        </header>
        {children}
        <div class="row spread small">{footer}</div>
      </section>
    </div>
  );
}

export function SignIn({ to = "/" }: { to?: string }) {
  const t = text.value.accounts;
  const footer = (
    <>
      <a href="/forgot">{t.forgotPassword}</a>
      <span>
        {t.newHere} <a href="/sign-up">{t.signUp}</a>
      </span>
    </>
  );
  return (
    <AuthPage title={t.signIn} lead={t.signInLead} footer={footer}>
      <SignInForm onSignedIn={() => navigate(to, "replace")} />
    </AuthPage>
  );
}

export function SignUp() {
  const t = text.value.accounts;
  const mutation = useMutation();
  const terms = service.value.terms_version;
  // Without a connection at the start, the version is not known yet.
  useEffect(() => {
    if (!terms) void loadService();
  }, [terms]);
  const submit = async () => {
    await unwrap(api.POST("/v1/session/sign-up", { body: { email: email.value, terms: terms ?? "" } }));
    navigate("/confirm");
  };
  const footer = (
    <span>
      {t.haveAccount} <a href="/sign-in">{t.signIn}</a>
    </span>
  );
  return (
    <AuthPage title={t.createAccount} lead={t.signUpLead} footer={footer}>
      <Form mutation={mutation} submit={submit} button={t.createAccount}>
        <EmailField error={fieldMessage(mutation.error, "email")} />
        <NewPassword label={t.password} error={fieldMessage(mutation.error, "password")} />
        <p class="small">
          {t.terms.signUp} <a href="/terms">{t.terms.read(terms && date(terms))}</a>
        </p>
        {mutation.error?.hasField("terms") && <p class="field-error">{t.terms.outdated}</p>}
      </Form>
    </AuthPage>
  );
}

function NewPassword({ label, error }: { label: string; error: string | undefined }) {
  return (
    <Password
      label={label}
      hint={text.value.accounts.passwordHint}
      autocomplete="new-password"
      value={password.value}
      error={error}
      onValue={(value) => {
        password.value = value;
      }}
    />
  );
}

/** Tells whether the email address is missing, as after a reload. It stays true while the person types one. */
function useEmailMissing(): boolean {
  const [missing] = useState(email.value === "");
  return missing;
}

/** Sets the password with the code, and signs in, or goes on to the form that asks for the second factor. */
async function setPassword(code: string): Promise<void> {
  const body = { email: email.value, code, password: password.value };
  await unwrap(api.POST("/v1/session/reset", { body }));
  navigate((await signIn()) ? "/" : "/sign-in", "replace");
}

export function Confirm() {
  const t = text.value.accounts;
  const mutation = useMutation();
  const resend = useMutation();
  const [code, setCode] = useState("");
  const emailMissing = useEmailMissing();
  const [passwordMissing] = useState(password.value === "");
  const submit = () => setPassword(code);
  const passwordError = fieldMessage(mutation.error, "password");
  const resendCode = () =>
    resend.run(async () => {
      await unwrap(api.POST("/v1/session/forgot", { body: { email: email.value } }));
      showToast(t.codeResent);
    });
  const footer = (
    <button type="button" class="button ghost small" disabled={resend.busy || !email.value} onClick={resendCode}>
      {t.resendCode}
    </button>
  );
  const lead = emailMissing ? t.confirmLeadWithoutEmail : t.confirmLead(email.value);
  return (
    <AuthPage title={t.confirm} lead={lead} footer={footer}>
      <Form mutation={mutation} submit={submit} button={t.confirmAndSignIn}>
        {(emailMissing || mutation.error) && <EmailField error={fieldMessage(mutation.error, "email")} />}
        <CodeField
          label={t.code}
          hint={t.codeHint}
          value={code}
          onValue={setCode}
          error={fieldMessage(mutation.error, "code")}
        />
        {(passwordMissing || passwordError) && <NewPassword label={t.password} error={passwordError} />}
      </Form>
      <ErrorNotice error={resend.error} />
    </AuthPage>
  );
}

/** Sends a code to an address, and opens the form that sets a new password with it. */
export async function requestPasswordReset(address: string): Promise<void> {
  await unwrap(api.POST("/v1/session/forgot", { body: { email: address } }));
  email.value = address;
  password.value = "";
  navigate("/reset");
}

export function ForgotPassword() {
  const t = text.value.accounts;
  const mutation = useMutation();
  const submit = () => requestPasswordReset(email.value);
  const footer = (
    <>
      <a href="/sign-in">{t.signIn}</a>
      <a href="/support">{t.contact}</a>
    </>
  );
  return (
    <AuthPage title={t.forgotPassword} lead={t.forgotPasswordLead} footer={footer}>
      <Form mutation={mutation} submit={submit} button={t.sendCode}>
        <EmailField error={fieldMessage(mutation.error, "email")} />
      </Form>
    </AuthPage>
  );
}

export function ResetPassword() {
  const t = text.value.accounts;
  const mutation = useMutation();
  const [code, setCode] = useState("");
  const emailMissing = useEmailMissing();
  const submit = () => setPassword(code);
  const lead = emailMissing ? t.resetPasswordLeadWithoutEmail : t.resetPasswordLead(email.value);
  return (
    <AuthPage title={t.resetPassword} lead={lead} footer={<a href="/forgot">{t.resendCode}</a>}>
      <Form mutation={mutation} submit={submit} button={t.resetPassword}>
        {emailMissing && <EmailField error={fieldMessage(mutation.error, "email")} />}
        <CodeField
          label={t.code}
          hint={t.codeHint}
          value={code}
          onValue={setCode}
          error={fieldMessage(mutation.error, "code")}
        />
        <NewPassword label={t.newPassword} error={fieldMessage(mutation.error, "password")} />
      </Form>
    </AuthPage>
  );
}
