/** Help without an account: a letter, confirmed with a code, answered by mail. */
import { useState } from "preact/hooks";

import { api, ask } from "../api/client";
import { text } from "../text";
import { Area, Field } from "../ui/field";
import { Section } from "../ui/page";
import { useAct } from "../ui/query";
import { TroubleNotice } from "../ui/states";

type Stage = "writing" | "confirming" | "sent";

export function Letter() {
  const t = text.value;
  const words = t.support.letter;
  const act = useAct();
  const [stage, go] = useState<Stage>("writing");
  const [email, setEmail] = useState("");
  const [subject, setSubject] = useState("");
  const [message, setMessage] = useState("");
  const [code, setCode] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void act.act(async () => {
      if (stage === "writing") {
        await ask(api.POST("/v1/support/letters", { body: { email, subject, text: message } }));
        go("confirming");
      } else {
        await ask(api.POST("/v1/support/letters/confirm", { body: { email, code } }));
        go("sent");
      }
    });
  };
  if (stage === "sent") {
    return (
      <Section title={t.support.title} narrow>
        <div class="notice good" role="status">
          <div>
            <strong>{words.sent}</strong>
            <p>{words.sentText(email)}</p>
          </div>
        </div>
      </Section>
    );
  }
  return (
    <Section title={t.support.title} lead={words.lead} narrow>
      <form class="card stack" onSubmit={submit}>
        {stage === "writing" ? (
          <>
            <Field
              label={t.session.email}
              hint={words.emailHint}
              type="email"
              name="email"
              autocomplete="email"
              required
              maxlength={128}
              value={email}
              onValue={setEmail}
              wrong={act.trouble?.rule("email")}
            />
            <Field
              label={t.support.subject}
              required
              maxlength={200}
              value={subject}
              onValue={setSubject}
              wrong={act.trouble?.rule("subject")}
            />
            <Area
              label={t.support.message}
              required
              maxlength={2000}
              rows={5}
              value={message}
              onValue={setMessage}
              wrong={act.trouble?.rule("text")}
            />
          </>
        ) : (
          <>
            <p>{words.confirm(email)}</p>
            <Field
              label={t.session.code}
              name="code"
              autocomplete="one-time-code"
              inputmode="numeric"
              required
              maxlength={8}
              value={code}
              onValue={(code) => setCode(code.trim())}
              wrong={act.trouble?.rule("code")}
            />
          </>
        )}
        <TroubleNotice trouble={act.trouble} />
        <div class="row">
          <button type="submit" class="button primary" disabled={act.busy}>
            {stage === "writing" ? words.next : t.support.send}
          </button>
          {stage === "confirming" && (
            <button type="button" class="button quiet" onClick={() => go("writing")}>
              {words.back}
            </button>
          )}
        </div>
      </form>
    </Section>
  );
}
