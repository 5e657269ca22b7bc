/** Support tickets and their messages. */
import "./support.css";

import { useEffect, useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { ApiError } from "../api/error";
import { session } from "../api/session";
import { query } from "../router";
import { date, dateTime, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area, Field } from "../ui/field";
import { Page } from "../ui/page";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { showToast } from "../ui/toasts";
import { GuestTicket } from "./guest-ticket";

type Ticket = Schema["TicketView"];
type TicketSubject = Schema["TicketSubject"];

/** The interval at which a visible page checks for replies, in milliseconds. */
const POLL_INTERVAL_MS = 60_000;

export function Support() {
  return session.value === "signed-out" ? <GuestTicket /> : <Tickets />;
}

const loadPage = (cursor?: string) =>
  unwrap<Schema["TicketPage"]>(
    api.GET("/v1/support/tickets", { params: { query: { ...(cursor ? { cursor } : {}) } } }),
  );

/** Calls `load` every minute while the page is visible, and whenever the person returns to it. */
function usePolling(load: () => Promise<void>): void {
  useEffect(() => {
    const poll = () => {
      if (document.visibilityState !== "visible") return;
      // A failed request is repeated at the next interval.
      load().catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
      });
    };
    const timer = setInterval(poll, POLL_INTERVAL_MS);
    document.addEventListener("visibilitychange", poll);
    addEventListener("focus", poll);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", poll);
      removeEventListener("focus", poll);
    };
  }, []);
}

function Tickets() {
  const t = text.value.support;
  const list = usePagedList(loadPage);
  const [updates, setUpdates] = useState<Record<string, Ticket>>({});
  const update = (ticket: Ticket) =>
    setUpdates((before) => {
      const known = before[ticket.id];
      return known && known.updated_at > ticket.updated_at ? before : { ...before, [ticket.id]: ticket };
    });
  usePolling(async () => {
    for (const ticket of (await loadPage()).items) update(ticket);
  });
  const listed = new Set(list.items.map(({ id }) => id));
  const tickets = [
    ...Object.values(updates).filter(({ id }) => !listed.has(id)),
    ...list.items.map((ticket) => updates[ticket.id] ?? ticket),
  ];
  return (
    <Page title={t.title} lead={t.lead}>
      <NewTicket onCreated={update} />
      <section class="stack">
        <h2>{t.tickets}</h2>
        {!list.loaded && list.busy && <Loading />}
        <ErrorNotice error={list.error} retry={list.reload} />
        {list.loaded && tickets.length === 0 && <p class="muted">{t.empty}</p>}
        <ul class="stack">
          {tickets.map((ticket) => (
            <li key={ticket.id}>
              <TicketCard ticket={ticket} onChanged={update} />
            </li>
          ))}
        </ul>
        <LoadMore list={list} />
      </section>
    </Page>
  );
}

/** Returns the generation or payment that the previous page asks about. */
function subjectFromQuery(): TicketSubject | undefined {
  for (const kind of ["generation", "payment"] as const) {
    const id = query.value.get(kind);
    if (id) return { kind, id };
  }
  return undefined;
}

function About({ subject }: { subject: TicketSubject }) {
  const t = text.value.support;
  const [to, label] =
    subject.kind === "generation"
      ? [`/gallery/${subject.id}`, t.aboutGeneration]
      : [`/credits/${subject.id}`, t.aboutPayment];
  return (
    <p class="small">
      {t.about} <a href={to}>{label}</a>
    </p>
  );
}

function NewTicket({ onCreated }: { onCreated: (ticket: Ticket) => void }) {
  const t = text.value.support;
  const mutation = useMutation();
  const [subject, setSubject] = useState("");
  const [message, setMessage] = useState("");
  const [about, setAbout] = useState(subjectFromQuery);
  const key = useIdempotencyKey();
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = { subject, text: message, ...(about ? { about } : {}) };
      onCreated(await unwrap(api.POST("/v1/support/tickets", { body, params: key.paramsFor(body) })));
      key.reset();
      setSubject("");
      setMessage("");
      setAbout(undefined);
      showToast(t.sent);
    });
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <h2>{t.newTicket}</h2>
      <Field
        label={t.subject}
        required
        maxlength={200}
        value={subject}
        onValue={setSubject}
        error={fieldMessage(mutation.error, "subject")}
      />
      <Area
        label={t.message}
        required
        maxlength={2000}
        rows={4}
        value={message}
        onValue={setMessage}
        error={fieldMessage(mutation.error, "text")}
      />
      {about && (
        <div class="row">
          <About subject={about} />
          <button type="button" class="button ghost small" onClick={() => setAbout(undefined)}>
            {text.value.actions.remove}
          </button>
        </div>
      )}
      <ErrorNotice error={mutation.error} />
      <div>
        <button type="submit" class="button primary" disabled={mutation.busy}>
          {t.send}
        </button>
      </div>
    </form>
  );
}

interface TicketProperties {
  ticket: Ticket;
  onChanged: (ticket: Ticket) => void;
}

function TicketCard({ ticket, onChanged }: TicketProperties) {
  const t = text.value.support;
  return (
    <details class="card ticket" open={ticket.status === "answered"}>
      <summary>
        <strong dir="auto">{ticket.subject}</strong>
        <span class={ticket.status === "answered" ? "tag accent" : "tag"}>{t.status[ticket.status]}</span>
      </summary>
      <div class="stack">
        {ticket.about && <About subject={ticket.about} />}
        <ol class="messages">
          {ticket.messages.map((message) => (
            <li key={message.at} class={message.from}>
              <p class="small muted">
                {message.from === "staff" ? t.staff : t.you} · <time datetime={message.at}>{dateTime(message.at)}</time>
              </p>
              <p class="message-text" dir="auto">
                {message.text}
              </p>
            </li>
          ))}
        </ol>
        {ticket.status !== "closed" && <Reply ticket={ticket} onChanged={onChanged} />}
        {ticket.status === "closed" && ticket.expires_at && (
          <p class="small muted">{t.deletedOn(date(ticket.expires_at))}</p>
        )}
      </div>
    </details>
  );
}

function Reply({ ticket, onChanged }: TicketProperties) {
  const t = text.value.support;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [reply, setReply] = useState("");
  const send = (body: Schema["TicketMessageRequest"]) =>
    mutation.run(async () => {
      const params = { path: { id: ticket.id }, ...key.paramsFor(body) };
      onChanged(await unwrap<Ticket>(api.POST("/v1/support/tickets/{id}/messages", { params, body })));
      key.reset();
      setReply("");
    });
  const submit = (event: Event) => {
    event.preventDefault();
    void send({ text: reply });
  };
  return (
    <form class="stack tight" onSubmit={submit}>
      <Area
        label={t.reply}
        required
        maxlength={2000}
        rows={2}
        value={reply}
        onValue={setReply}
        error={fieldMessage(mutation.error, "text")}
      />
      <div class="row">
        <button type="submit" class="button primary small" disabled={mutation.busy}>
          {t.send}
        </button>
        <button type="button" class="button ghost small" disabled={mutation.busy} onClick={() => send({ close: true })}>
          {t.close}
        </button>
      </div>
      <ErrorNotice error={mutation.error} />
    </form>
  );
}
