/** The data of an account, list by list: each is shown only when it is asked for, as its owner sees that in their access log. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { bytes, date, dateTime, money, number } from "../text";
import { Field } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { ErrorNotice, Loading } from "../ui/states";
import { fractionDigits, smallestUnits } from "./amounts";
import { ActionButton, type Fact, Facts, TextForm } from "./forms";
import { hasRole } from "./roles";
import { staffText } from "./text";

/** An access to an account. It is in memory only: a reload ends it for this page. */
export interface Access {
  account: string;
  access: string;
  until: string;
  needsApproval: boolean;
}

interface Page<T> {
  items: T[];
  next?: string | null;
}

export function AccountData({ access }: { access: Access }) {
  const t = staffText.value.accounts;
  const path = { account: access.account, access: access.access };
  const at = (cursor?: string) => ({ params: { path, query: { ...(cursor ? { cursor } : {}) } } });
  const support = hasRole("support");
  return (
    <>
      <p class="small muted">{t.showHint}</p>
      <Section
        title={t.sections.profile}
        load={async () => ({
          items: [
            await unwrap(api.GET("/v1/staff/accounts/{account}/accesses/{access}/profile", { params: { path } })),
          ],
        })}
        show={(profile) => <Profile profile={profile} />}
      />
      {support && (
        <Section
          title={t.sections.tickets}
          load={(cursor) =>
            unwrap<Schema["TicketPage"]>(api.GET("/v1/staff/accounts/{account}/accesses/{access}/tickets", at(cursor)))
          }
          show={(ticket) => <Ticket path={path} ticket={ticket} />}
        />
      )}
      {support && (
        <Section
          title={t.sections.generations}
          load={(cursor) =>
            unwrap<Schema["GenerationPage"]>(
              api.GET("/v1/staff/accounts/{account}/accesses/{access}/generations", at(cursor)),
            )
          }
          show={(generation) => <Generation path={path} generation={generation} />}
        />
      )}
      {support && (
        <Section
          title={t.sections.uploads}
          load={(cursor) =>
            unwrap<Schema["UploadPage"]>(api.GET("/v1/staff/accounts/{account}/accesses/{access}/uploads", at(cursor)))
          }
          show={(upload) => <Upload path={path} upload={upload} />}
        />
      )}
      <Section
        title={t.sections.payments}
        load={(cursor) =>
          unwrap<Schema["PaymentPage"]>(api.GET("/v1/staff/accounts/{account}/accesses/{access}/payments", at(cursor)))
        }
        show={(payment) => <Payment account={access.account} payment={payment} />}
      />
      <Section
        title={t.sections.activity}
        load={(cursor) =>
          unwrap<Schema["ActivityPage"]>(api.GET("/v1/staff/accounts/{account}/accesses/{access}/activity", at(cursor)))
        }
        show={({ kind, at, address, user_agent }) => (
          <p class="small">
            {dateTime(at)} · {kind} · <code>{address}</code> · {user_agent}
          </p>
        )}
      />
      {hasRole("administrator") && (
        <Section
          title={t.sections.holds}
          load={async () =>
            unwrap<Schema["HoldsView"]>(
              api.GET("/v1/staff/accounts/{account}/accesses/{access}/holds", { params: { path } }),
            )
          }
          show={(hold) => (
            <p class="small">
              <code>{hold.id}</code> · {hold.reference} · {hold.reason} · {hold.covers.join(", ")} · {dateTime(hold.at)}{" "}
              {hold.released_at && ` – ${dateTime(hold.released_at)}`}
            </p>
          )}
        />
      )}
    </>
  );
}

interface SectionProperties<T> {
  title: string;
  load: (cursor: string | undefined) => Promise<Page<T>>;
  show: (item: T) => ComponentChildren;
}

/** A list that is loaded when a staff member asks for it. */
function Section<T>(properties: SectionProperties<T>) {
  const { title } = properties;
  const [open, setOpen] = useState(false);
  const t = staffText.value.accounts;
  return (
    <section class="card stack">
      <div class="row spread">
        <h2>{title}</h2>
        <button type="button" class="button small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t.end : t.show}
          <span class="visually-hidden"> {title}</span>
        </button>
      </div>
      {open && <Loaded {...properties} />}
    </section>
  );
}

function Loaded<T>({ load, show }: SectionProperties<T>) {
  const list = usePagedList(load);
  return (
    <>
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      {list.loaded && list.items.length === 0 && <p class="muted">{staffText.value.accounts.nothing}</p>}
      <ul class="stack">
        {list.items.map((item, index) => (
          <li key={index}>{show(item)}</li>
        ))}
      </ul>
      <LoadMore list={list} />
    </>
  );
}

function Profile({ profile }: { profile: Schema["AccountView"] }) {
  const t = staffText.value.accounts;
  return (
    <Facts
      facts={[
        [t.keys.email, profile.email],
        [t.plan, profile.plan],
        [t.status, profile.status],
        [t.created, dateTime(profile.created_at)],
        [t.available, number(profile.credits.available)],
        [t.held, number(profile.credits.held)],
      ]}
    />
  );
}

interface Path {
  account: string;
  access: string;
}

function Ticket({ path, ticket }: { path: Path; ticket: Schema["TicketView"] }) {
  const t = staffText.value;
  const [close, setClose] = useState(false);
  const [sent, setSent] = useState(false);
  const reply = async (message: string, params: object) => {
    const body = { text: message, close };
    const at = { ...path, ticket: ticket.id };
    await unwrap(
      api.POST("/v1/staff/accounts/{account}/accesses/{access}/tickets/{ticket}/messages", {
        params: { path: at, ...params },
        body,
      }),
    );
    setSent(true);
  };
  return (
    <article class="stack tight">
      <h3 dir="auto">{ticket.subject}</h3>
      {ticket.messages.map((message) => (
        <p key={message.at} dir="auto">
          <strong>{t.accounts.from[message.from]}</strong> <span class="small muted">{dateTime(message.at)}</span>
          <br />
          {message.text}
        </p>
      ))}
      {sent && <p class="notice success">{t.accounts.changed}</p>}
      {!sent && ticket.status !== "closed" && (
        <TextForm
          label={t.cases.reply}
          templatesFor={ticket.id}
          field="text"
          maxlength={2000}
          also={[ticket.id, close]}
          actions={[{ label: t.cases.send, run: reply }]}
        >
          <label class="checkbox">
            <input type="checkbox" checked={close} onChange={(event) => setClose(event.currentTarget.checked)} />
            <span>{t.accounts.closeTicket}</span>
          </label>
        </TextForm>
      )}
    </article>
  );
}

function Generation({ path, generation }: { path: Path; generation: Schema["GenerationView"] }) {
  const t = staffText.value.accounts;
  const [shown, setShown] = useState<Schema["GenerationView"]>();
  const read = async () => {
    const at = { ...path, generation: generation.id };
    setShown(
      await unwrap(
        api.GET("/v1/staff/accounts/{account}/accesses/{access}/generations/{generation}", { params: { path: at } }),
      ),
    );
  };
  return (
    <article class="stack tight">
      <p dir="auto">{generation.settings.prompt}</p>
      <p class="small muted">
        {dateTime(generation.created_at)} · {generation.status} · {generation.settings.model} ·{" "}
        {number(generation.credits.spent)} / {number(generation.credits.reserved)}
      </p>
      {!shown && generation.status === "succeeded" && <ActionButton label={t.showFiles} run={read} />}
      {shown?.outputs.map(({ number, file }) =>
        file.content_type.startsWith("video/") ? (
          <video key={number} src={file.url} controls preload="metadata" />
        ) : (
          <img key={number} src={file.url} alt={generation.settings.prompt} />
        ),
      )}
    </article>
  );
}

function Upload({ path, upload }: { path: Path; upload: Schema["UploadView"] }) {
  const t = staffText.value.accounts;
  const [url, setUrl] = useState<string>();
  const read = async () => {
    const at = { ...path, upload: upload.id };
    const shown = await unwrap<Schema["StaffUploadView"]>(
      api.GET("/v1/staff/accounts/{account}/accesses/{access}/uploads/{upload}", { params: { path: at } }),
    );
    setUrl(shown.url ?? undefined);
  };
  return (
    <article class="stack tight">
      <p class="small">
        {upload.file_name} · {upload.content_type} · {bytes(upload.bytes)} · {date(upload.created_at)}
      </p>
      {!url && <ActionButton label={t.showFile} run={read} />}
      {url && upload.kind === "image" && <img src={url} alt={upload.file_name ?? upload.id} />}
      {url && upload.kind !== "image" && <video src={url} controls preload="metadata" />}
    </article>
  );
}

/** Whether the operator can still respond. */
const isOpen = ({ state, respond_by }: Schema["DisputeView"]) =>
  state !== "won" && state !== "lost" && new Date(respond_by ?? 0) > new Date();

function Payment({ account, payment }: { account: string; payment: Schema["PaymentView"] }) {
  const t = staffText.value;
  return (
    <article class="stack tight">
      <Facts
        facts={[
          [t.accounts.status, `${payment.status} (${dateTime(payment.created_at)})`],
          [t.cases.facts.amount, money(payment.total ?? payment.price)],
          [t.cases.facts.credits, t.accounts.granted(payment.granted, payment.clawed_back)],
          [t.cases.facts.provider, payment.provider],
          [t.cases.facts.transaction, payment.transaction && <code>{payment.transaction}</code>],
          [t.accounts.gift, payment.gift && t.accounts.giftStates[payment.gift.state](payment.gift.redeemed_by ?? "")],
          ...payment.refunds.map(
            (refund): Fact => [
              t.accounts.refunded,
              `${money(refund.amount)} (${refund.id})${refund.reverted ? `, ${t.accounts.reverted}` : ""}`,
            ],
          ),
          ...payment.disputes.map(
            (dispute): Fact => [
              t.accounts.disputes[dispute.state],
              <>
                {dispute.amount && `${money(dispute.amount)} `}
                <code>{dispute.id}</code>
                {dispute.respond_by && isOpen(dispute) && (
                  <strong> {t.accounts.respondBy(dateTime(dispute.respond_by))}</strong>
                )}
              </>,
            ],
          ),
        ]}
      />
      {payment.total && hasRole("finance") && <Refund account={account} payment={payment.id} total={payment.total} />}
    </article>
  );
}

interface RefundProperties {
  account: string;
  payment: string;
  total: Schema["Money"];
}

function Refund({ account, payment, total }: RefundProperties) {
  const t = staffText.value;
  const [open, setOpen] = useState(false);
  const [amount, setAmount] = useState("");
  const [asked, setAsked] = useState<Schema["Money"]>();
  const ask = async (note: string, params: object) => {
    const part = amount.trim() === "" ? {} : { amount: smallestUnits(amount, fractionDigits(total.currency)) };
    const body = { note, ...part };
    const path = { account, payment };
    const view = await unwrap<Schema["RequestedRefundView"]>(
      api.POST("/v1/staff/accounts/{account}/payments/{payment}/refunds", { params: { path, ...params }, body }),
    );
    setAsked(view.amount);
  };
  if (asked) {
    return (
      <p class="notice success" role="status">
        {t.accounts.asked(money(asked))}
      </p>
    );
  }
  if (!open) {
    return (
      <div class="row">
        <button type="button" class="button small" onClick={() => setOpen(true)}>
          {t.accounts.refund}
        </button>
      </div>
    );
  }
  return (
    <TextForm
      label={t.accounts.reason}
      hint={t.cases.noteHint}
      field="note"
      also={amount}
      actions={[{ label: t.accounts.askRefund, danger: true, run: ask }]}
    >
      <Field
        label={t.accounts.refundAmount(total.currency)}
        hint={t.accounts.refundHint}
        optional
        value={amount}
        onValue={setAmount}
        maxlength={12}
        pattern="[0-9]+([.,][0-9]{1,2})?"
      />
    </TextForm>
  );
}
