/** Questions to staff, and their answers. */
import "./support.css";

import { useEffect, useState } from "preact/hooks";

import { api, ask, type Schema } from "../api/client";
import { Trouble } from "../api/error";
import { session } from "../api/session";
import { query } from "../router";
import { day, moment, text } from "../text";
import { Area, Field } from "../ui/field";
import { Section } from "../ui/page";
import { More, usePages } from "../ui/paged-list";
import { useAct, useKey } from "../ui/query";
import { Loading, TroubleNotice } from "../ui/states";
import { say } from "../ui/toasts";
import { Letter } from "./guest-ticket";

type Ticket = Schema["TicketView"];
type Subject = Schema["TicketSubject"];

/** How often an open page asks whether there is an answer, in milliseconds. */
const LOOK_MS = 60_000;

export function Support() {
  return session.value === "none" ? <Letter /> : <Tickets />;
}

const latest = (cursor?: string) =>
  ask<Schema["TicketPage"]>(api.GET("/v1/support/tickets", { params: { query: { ...(cursor ? { cursor } : {}) } } }));

/** Looks when somebody comes back to the page, and every minute while it is seen. */
function useLook(look: () => Promise<void>): void {
  useEffect(() => {
    const again = () => {
      if (document.visibilityState !== "visible") return;
      // What could not be asked is asked the next time.
      look().catch((error: unknown) => {
        if (!(error instanceof Trouble)) throw error;
      });
    };
    const timer = setInterval(again, LOOK_MS);
    document.addEventListener("visibilitychange", again);
    addEventListener("focus", again);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", again);
      removeEventListener("focus", again);
    };
  }, []);
}

function Tickets() {
  const t = text.value.support;
  const pages = usePages(latest);
  const [changed, change] = useState<Record<string, Ticket>>({});
  const put = (ticket: Ticket) =>
    change((before) => {
      const known = before[ticket.id];
      return known && known.updated_at > ticket.updated_at ? before : { ...before, [ticket.id]: ticket };
    });
  useLook(async () => (await latest()).items.forEach(put));
  const listed = new Set(pages.items.map(({ id }) => id));
  const tickets = [
    ...Object.values(changed).filter(({ id }) => !listed.has(id)),
    ...pages.items.map((ticket) => changed[ticket.id] ?? ticket),
  ];
  return (
    <Section title={t.title} lead={t.lead}>
      <Open onOpened={put} />
      <section class="stack">
        <h2>{t.yours}</h2>
        {!pages.begun && pages.busy && <Loading />}
        <TroubleNotice trouble={pages.trouble} retry={pages.again} />
        {pages.begun && tickets.length === 0 && <p class="soft">{t.nothing}</p>}
        <ul class="stack">
          {tickets.map((ticket) => (
            <li key={ticket.id}>
              <Thread ticket={ticket} onChanged={put} />
            </li>
          ))}
        </ul>
        <More pages={pages} />
      </section>
    </Section>
  );
}

/** What the page before asked about: it is attached by reference. */
function subjectOfQuery(): Subject | undefined {
  for (const kind of ["generation", "payment"] as const) {
    const id = query.value.get(kind);
    if (id) return { kind, id };
  }
  return undefined;
}

function About({ about }: { about: Subject }) {
  const t = text.value.support;
  const [to, words] =
    about.kind === "generation"
      ? [`/gallery/${about.id}`, t.aboutGeneration]
      : [`/credits/${about.id}`, t.aboutPayment];
  return (
    <p class="small">
      {t.about} <a href={to}>{words}</a>
    </p>
  );
}

function Open({ onOpened }: { onOpened: (ticket: Ticket) => void }) {
  const t = text.value.support;
  const act = useAct();
  const [subject, setSubject] = useState("");
  const [message, setMessage] = useState("");
  const [about, setAbout] = useState(subjectOfQuery);
  const key = useKey();
  const submit = (event: Event) => {
    event.preventDefault();
    void act.act(async () => {
      const body = { subject, text: message, ...(about ? { about } : {}) };
      onOpened(await ask(api.POST("/v1/support/tickets", { body, params: key.of(body) })));
      key.taken();
      setSubject("");
      setMessage("");
      setAbout(undefined);
      say(t.sent);
    });
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <h2>{t.open}</h2>
      <Field
        label={t.subject}
        required
        maxlength={200}
        value={subject}
        onValue={setSubject}
        wrong={act.trouble?.rule("subject")}
      />
      <Area
        label={t.message}
        required
        maxlength={2000}
        rows={4}
        value={message}
        onValue={setMessage}
        wrong={act.trouble?.rule("text")}
      />
      {about && (
        <div class="row">
          <About about={about} />
          <button type="button" class="button quiet small" onClick={() => setAbout(undefined)}>
            {text.value.doing.remove}
          </button>
        </div>
      )}
      <TroubleNotice trouble={act.trouble} />
      <div>
        <button type="submit" class="button primary" disabled={act.busy}>
          {t.send}
        </button>
      </div>
    </form>
  );
}

function Thread({ ticket, onChanged }: { ticket: Ticket; onChanged: (ticket: Ticket) => void }) {
  const t = text.value.support;
  const act = useAct();
  const key = useKey();
  const [reply, type] = useState("");
  const write = (body: Schema["TicketMessageRequest"]) =>
    act.act(async () => {
      onChanged(
        await ask<Ticket>(
          api.POST("/v1/support/tickets/{id}/messages", { params: { path: { id: ticket.id }, ...key.of(body) }, body }),
        ),
      );
      key.taken();
      type("");
    });
  const submit = (event: Event) => {
    event.preventDefault();
    void write({ text: reply });
  };
  return (
    <details class="card thread" open={ticket.status === "answered"}>
      <summary>
        <strong dir="auto">{ticket.subject}</strong>
        <span class={ticket.status === "answered" ? "tag accent" : "tag"}>{t.status[ticket.status]}</span>
      </summary>
      <div class="stack">
        {ticket.about && <About about={ticket.about} />}
        <ol class="messages">
          {ticket.messages.map((message) => (
            <li key={message.at} class={message.from}>
              <p class="small soft">
                {t[message.from === "staff" ? "staff" : "you"]} ·{" "}
                <time datetime={message.at}>{moment(message.at)}</time>
              </p>
              <p class="words" dir="auto">
                {message.text}
              </p>
            </li>
          ))}
        </ol>
        {ticket.status === "closed" ? (
          ticket.expires_at && <p class="small soft">{t.goes(day(ticket.expires_at))}</p>
        ) : (
          <form class="stack tight" onSubmit={submit}>
            <Area
              label={t.reply}
              required
              maxlength={2000}
              rows={2}
              value={reply}
              onValue={type}
              wrong={act.trouble?.rule("text")}
            />
            <div class="row">
              <button type="submit" class="button primary small" disabled={act.busy}>
                {t.send}
              </button>
              <button
                type="button"
                class="button quiet small"
                disabled={act.busy}
                onClick={() => write({ close: true })}
              >
                {t.close}
              </button>
            </div>
          </form>
        )}
        <TroubleNotice trouble={act.trouble} />
      </div>
    </details>
  );
}
