/** Corrections of the account: name, billing email address, and the email address for sign-in. */
import { useState } from "preact/hooks";

import { currentAccount, updateAccount } from "../accounts/account";
import { withRecentSignIn } from "../accounts/sign-in-dialog";
import { api, idempotencyHeader, unwrap } from "../api/client";
import { signOut } from "../api/session";
import { navigate } from "../router";
import { dateTime, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { CodeField, Field } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { showToast } from "../ui/toasts";
import { PrivacyPage } from "./layout";

export function Corrections() {
  const account = currentAccount.value;
  return (
    <PrivacyPage lead={text.value.privacy.corrections.lead}>
      {account && <Profile key={account.id} />}
      <EmailAddress />
      <ChangeLog key={JSON.stringify([account?.display_name, account?.billing_email])} />
    </PrivacyPage>
  );
}

function Profile() {
  const t = text.value.privacy.corrections;
  const mutation = useMutation();
  const [name, setName] = useState(currentAccount.value?.display_name ?? "");
  const [billingEmail, setBillingEmail] = useState(currentAccount.value?.billing_email ?? "");
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      await updateAccount({ display_name: name.trim() || null, billing_email: billingEmail.trim() || null });
      showToast(text.value.actions.saved);
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
        error={fieldMessage(mutation.error, "display_name")}
      />
      <Field
        label={t.billingEmail}
        hint={t.billingEmailHint}
        optional
        type="email"
        autocomplete="email"
        maxlength={128}
        value={billingEmail}
        onValue={setBillingEmail}
        error={fieldMessage(mutation.error, "billing_email")}
      />
      <ErrorNotice error={mutation.error} />
      <div>
        <button type="submit" class="button primary" disabled={mutation.busy}>
          {text.value.actions.save}
        </button>
      </div>
    </form>
  );
}

/**
 * Changes the email address for sign-in. Codes from both addresses protect the account against typing errors and against
 * people who find it open.
 */
function EmailAddress() {
  const t = text.value.privacy.corrections;
  const mutation = useMutation();
  const [email, setEmail] = useState("");
  const [codes, setCodes] = useState<{ present: string; new: string }>();
  const sendCodes = () =>
    mutation.run(async () => {
      const params = idempotencyHeader();
      await withRecentSignIn(() => unwrap(api.POST("/v1/account/email", { body: { email }, params })));
      setCodes({ present: "", new: "" });
    });
  const confirm = () =>
    mutation.run(async () => {
      if (!codes) return;
      const body = { present_code: codes.present, new_code: codes.new };
      await unwrap(api.POST("/v1/account/email/confirm", { body, params: idempotencyHeader() }));
      await signOut();
      navigate("/sign-in");
      showToast(t.changed);
    });
  const submit = (event: Event) => {
    event.preventDefault();
    void (codes ? confirm() : sendCodes());
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <div>
        <h2>{t.email}</h2>
        <p class="muted">
          <bdi>{currentAccount.value?.email}</bdi>
        </p>
      </div>
      <Field
        label={t.newEmail}
        hint={t.newEmailHint}
        type="email"
        autocomplete="email"
        required
        maxlength={128}
        value={email}
        onValue={setEmail}
        error={mutation.error?.hasField("email") ? t.newEmailRule : undefined}
      />
      {codes && (
        <>
          <CodeField
            label={t.presentCode}
            autocomplete="off"
            value={codes.present}
            onValue={(present) => setCodes({ ...codes, present })}
            error={fieldMessage(mutation.error, "present_code")}
          />
          <CodeField
            label={t.newCode}
            value={codes.new}
            onValue={(code) => setCodes({ ...codes, new: code })}
            error={fieldMessage(mutation.error, "new_code")}
          />
        </>
      )}
      <ErrorNotice error={mutation.error} />
      <div>
        <button type="submit" class="button" disabled={mutation.busy}>
          {codes ? t.change : t.sendCodes}
        </button>
      </div>
    </form>
  );
}

function ChangeLog() {
  const t = text.value.privacy.corrections;
  const list = usePagedList((cursor) =>
    unwrap(api.GET("/v1/account/corrections", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <section class="stack">
      <h2>{t.log}</h2>
      <ErrorNotice error={list.error} retry={list.reload} />
      {list.loaded && list.items.length === 0 && <p class="muted">{t.empty}</p>}
      <dl class="log">
        {list.items.map(({ id, fields, at }) => (
          <div key={id} class="log-entry">
            <dt>
              <strong>{fields.map((field) => t.fields[field]).join(", ")}</strong>
              <time datetime={at}>{dateTime(at)}</time>
            </dt>
          </div>
        ))}
      </dl>
      <LoadMore list={list} />
    </section>
  );
}
