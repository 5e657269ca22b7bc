/** A support ticket of a person who is not signed in: confirmed with a code, answered by email. */
import { useState } from "preact/hooks";

import { api, unwrap } from "../api/client";
import { text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area, CodeField, Field } from "../ui/field";
import { Page } from "../ui/page";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";

type Step = "message" | "code" | "sent";

export function GuestTicket() {
  const { support, accounts } = text.value;
  const t = support.guest;
  const mutation = useMutation();
  const [step, setStep] = useState<Step>("message");
  const [email, setEmail] = useState("");
  const [subject, setSubject] = useState("");
  const [message, setMessage] = useState("");
  const [code, setCode] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      if (step === "message") {
        await unwrap(api.POST("/v1/support/guest-tickets", { body: { email, subject, text: message } }));
        setStep("code");
      } else {
        await unwrap(api.POST("/v1/support/guest-tickets/confirm", { body: { email, code } }));
        setStep("sent");
      }
    });
  };
  if (step === "sent") {
    return (
      <Page title={support.title} narrow>
        <div class="notice success" role="status">
          <div>
            <strong>{t.sent}</strong>
            <p>{t.sentText(email)}</p>
          </div>
        </div>
      </Page>
    );
  }
  return (
    <Page title={support.title} lead={t.lead} narrow>
      <form class="card stack" onSubmit={submit}>
        {step === "message" ? (
          <>
            <Field
              label={accounts.email}
              hint={t.emailHint}
              type="email"
              name="email"
              autocomplete="email"
              required
              maxlength={128}
              value={email}
              onValue={setEmail}
              error={fieldMessage(mutation.error, "email")}
            />
            <Field
              label={support.subject}
              required
              maxlength={200}
              value={subject}
              onValue={setSubject}
              error={fieldMessage(mutation.error, "subject")}
            />
            <Area
              label={support.message}
              required
              maxlength={2000}
              rows={5}
              value={message}
              onValue={setMessage}
              error={fieldMessage(mutation.error, "text")}
            />
          </>
        ) : (
          <>
            <p>{t.confirm(email)}</p>
            <CodeField
              label={accounts.code}
              value={code}
              onValue={setCode}
              error={fieldMessage(mutation.error, "code")}
            />
          </>
        )}
        <ErrorNotice error={mutation.error} />
        <div class="row">
          <button type="submit" class="button primary" disabled={mutation.busy}>
            {step === "message" ? t.continue : support.send}
          </button>
          {step === "code" && (
            <button type="button" class="button ghost" onClick={() => setStep("message")}>
              {t.edit}
            </button>
          )}
        </div>
      </form>
    </Page>
  );
}
