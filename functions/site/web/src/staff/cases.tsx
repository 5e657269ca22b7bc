/** What waits for staff, and the decisions about it. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { query } from "../router";
import { dateTime, money, number, relativeTime, text } from "../text";
import { Select } from "../ui/field";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { ErrorNotice, Loading } from "../ui/states";
import { showToast } from "../ui/toasts";
import { CaseWork } from "./case-work";
import { ActionButton, Facts, TextForm } from "./forms";
import { StaffPage } from "./layout";
import { ReplyTemplates } from "./reply-templates";
import { ReportedCase } from "./reported-case";
import { keyOf, loadReviews, type Review, since } from "./reviews";
import { hasRole } from "./roles";
import { staffText } from "./text";

type Kind = Review["kind"];

/** Whose cases are shown. */
type Whose = "all" | "mine" | "nobody";

export function Cases() {
  const t = staffText.value.cases;
  const list = usePagedList(loadReviews);
  const asked = query.value.get("kind") ?? "";
  const [kind, setKind] = useState<Kind | "all">(asked in t.kinds ? (asked as Kind) : "all");
  const [done, setDone] = useState<readonly string[]>([]);
  const [whose, setWhose] = useState<Whose>("all");
  // Who has a case, as far as it changed since it was loaded.
  const [assigned, setAssigned] = useState<Readonly<Record<string, string | undefined>>>({});
  const waiting = list.items
    .filter((review) => !done.includes(keyOf(review)))
    .map((review): Review => {
      const key = keyOf(review);
      return key in assigned ? { ...review, holder: assigned[key], mine: assigned[key] !== undefined } : review;
    })
    .filter((review) => whose === "all" || (whose === "mine" ? review.mine : !review.holder));
  const kinds = (Object.keys(t.kinds) as Kind[]).filter(
    (other) => other === kind || waiting.some((review) => review.kind === other),
  );
  const shown = waiting
    .filter((review) => kind === "all" || review.kind === kind)
    .sort((a, b) => since(a).localeCompare(since(b)));
  const count = (kind: Kind) => waiting.filter((review) => review.kind === kind).length;
  return (
    <StaffPage lead={t.lead}>
      <Select
        label={t.filter}
        value={kind}
        onValue={(value) => setKind(value as Kind | "all")}
        options={[
          { value: "all", label: `${t.all} (${number(waiting.length)})` },
          ...kinds.map((kind) => ({ value: kind, label: `${t.kinds[kind]} (${number(count(kind))})` })),
        ]}
      />
      <Select
        label={t.whose.label}
        value={whose}
        onValue={(value) => setWhose(value as Whose)}
        options={(["all", "mine", "nobody"] as const).map((value) => ({ value, label: t.whose[value] }))}
      />
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      {list.loaded && shown.length === 0 && <p class="muted">{t.empty}</p>}
      <ul class="stack">
        {shown.map((review) => (
          <li key={keyOf(review)}>
            <Case
              review={review}
              onAssigned={(holder) => setAssigned((before) => ({ ...before, [keyOf(review)]: holder }))}
              onDone={() => {
                setDone((before) => [...before, keyOf(review)]);
                showToast(t.done);
              }}
            />
          </li>
        ))}
      </ul>
      <LoadMore list={list} />
      {hasRole("support") && <ReplyTemplates />}
    </StaffPage>
  );
}

interface CaseProperties<K extends Kind> {
  review: Extract<Review, { kind: K }>;
  /** The case has left the list. */
  onDone: () => void;
}

interface AnyCaseProperties {
  review: Review;
  onDone: () => void;
  onAssigned: (holder: string | undefined) => void;
}

function Case({ review, onDone, onAssigned }: AnyCaseProperties) {
  const t = staffText.value.cases;
  const [open, setOpen] = useState(false);
  const title = review.kind === "case" && review.appealed ? t.appeal : t.kinds[review.kind];
  return (
    <article class="card stack" data-kind={review.kind} data-key={keyOf(review)}>
      <div class="row spread">
        <h2>
          {title}
          {review.kind === "case" && `: ${text.value.moderation.reasons[review.reason]}`}
        </h2>
        <button type="button" class="button small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t.close : t.open}
          <span class="visually-hidden">
            {" "}
            {title} {relativeTime(since(review))}
          </span>
        </button>
      </div>
      <p class="small muted">
        <time datetime={since(review)}>{t.waiting(relativeTime(since(review)))}</time>
        {review.kind === "case" && <> · {t.decideBy(dateTime(review.decide_by))}</>}
        {review.mine && <> · {t.work.mine}</>}
        {review.holder && !review.mine && (
          <>
            {" "}
            · {t.work.holder} <code>{review.holder}</code>
          </>
        )}
        {!!review.notes && <> · {t.work.count(review.notes)}</>}
      </p>
      {open && (
        <>
          <CaseWork review={review} onAssigned={onAssigned} />
          <Opened review={review} onDone={onDone} />
        </>
      )}
    </article>
  );
}

function Opened({ review, onDone }: { review: Review; onDone: () => void }) {
  switch (review.kind) {
    case "approval":
      return <Approval review={review} onDone={onDone} />;
    case "case":
      return <ReportedCase review={review} onDone={onDone} />;
    case "payment":
      return <HeldPayment review={review} onDone={onDone} />;
    case "unclaimed":
      return <Unclaimed review={review} onDone={onDone} />;
    case "ticket":
      return <AccountLink account={review.account} reference={review.id} />;
    case "guest_ticket":
      return <GuestTicket review={review} onDone={onDone} />;
    case "account":
      return <FrozenAccount review={review} onDone={onDone} />;
  }
}

/** A link to the account, with the case as the reference of the access. */
function AccountLink({ account, reference }: { account: string; reference: string }) {
  const address = `/staff/accounts?${new URLSearchParams({ account, reference })}`;
  return (
    <p>
      <a class="button small" href={address}>
        {staffText.value.cases.openAccount}
      </a>
    </p>
  );
}

function Approval({ review, onDone }: CaseProperties<"approval">) {
  const t = staffText.value.cases;
  const { account, id, action } = review;
  const approve = async (params: object) => {
    const path = { account, approval: id };
    await unwrap(api.POST("/v1/staff/accounts/{account}/approvals/{approval}", { params: { path, ...params } }));
    onDone();
  };
  return (
    <>
      <Facts
        facts={[
          [t.facts.account, <code key="account">{account}</code>],
          [t.facts.requestedBy, <code key="staff">{review.staff}</code>],
          [t.facts.reference, "reference" in action && action.reference],
          [t.facts.reason, "reason" in action && action.reason],
          [t.facts.basis, "undisclosed_basis" in action && action.undisclosed_basis],
        ]}
      />
      <ActionButton label={t.approve} hint={t.approveHint} run={approve} />
    </>
  );
}

function HeldPayment({ review, onDone }: CaseProperties<"payment">) {
  const t = staffText.value.cases;
  const [refused, setRefused] = useState(review.released === false);
  const { account, id } = review;
  const decide = (release: boolean) => async (note: string, params: object) => {
    const body = { release, note };
    const path = { account, payment: id };
    await unwrap(
      api.POST("/v1/staff/accounts/{account}/payments/{payment}/decision", { params: { path, ...params }, body }),
    );
    if (release) onDone();
    else setRefused(true);
  };
  return (
    <>
      <Facts
        facts={[
          [t.facts.reason, t.reviewReasons[review.reason]],
          [t.facts.amount, review.total && money(review.total)],
          [t.facts.credits, number(review.credits)],
          [t.facts.provider, review.provider],
          [t.facts.transaction, review.transaction && <code>{review.transaction}</code>],
          [t.facts.note, review.note],
        ]}
      />
      {refused && <p class="notice">{t.refused}</p>}
      <AccountLink account={account} reference={id} />
      <TextForm
        label={t.note}
        hint={t.noteHint}
        field="note"
        actions={[
          { label: t.grant, run: decide(true) },
          { label: t.refuse, danger: true, run: decide(false) },
        ]}
      />
    </>
  );
}

function Unclaimed({ review, onDone }: CaseProperties<"unclaimed">) {
  const t = staffText.value.cases;
  const { payment } = review;
  const mark = async (params: object) => {
    await unwrap(api.POST("/v1/staff/unclaimed/{payment}/refunded", { params: { path: { payment }, ...params } }));
    onDone();
  };
  return (
    <>
      <Facts
        facts={[
          [t.facts.amount, review.total && money(review.total)],
          [t.facts.provider, review.provider],
          [t.facts.transaction, <code key="transaction">{review.transaction}</code>],
        ]}
      />
      <ActionButton label={t.markRefunded} hint={t.refundedHint} run={mark} />
    </>
  );
}

function FrozenAccount({ review, onDone }: CaseProperties<"account">) {
  const t = staffText.value.cases;
  const { account } = review;
  const lift = async (note: string, params: object) => {
    const body = { allowed: true, note };
    await unwrap(api.POST("/v1/staff/accounts/{account}/spending", { params: { path: { account }, ...params }, body }));
    onDone();
  };
  return (
    <>
      <ul class="stack tight">
        {review.freezes.map((freeze) => (
          <li key={freeze.at}>
            {text.value.accounts.freezeReasons[freeze.reason]} {freeze.note} ({dateTime(freeze.at)})
          </li>
        ))}
      </ul>
      <AccountLink account={account} reference={account} />
      <TextForm label={t.note} hint={t.noteHint} field="note" actions={[{ label: t.lift, run: lift }]} />
    </>
  );
}

function GuestTicket({ review, onDone }: CaseProperties<"guest_ticket">) {
  const t = staffText.value.cases;
  const [ticket, setTicket] = useState<Schema["GuestTicketView"]>();
  const path = { guest: review.guest, ticket: review.id };
  const read = async (reason: string) => {
    const body = { reason };
    setTicket(await unwrap(api.POST("/v1/staff/guest-tickets/{guest}/{ticket}/reads", { params: { path }, body })));
  };
  const reply = async (message: string | null, params: object) => {
    const body = { text: message };
    await unwrap(api.POST("/v1/staff/guest-tickets/{guest}/{ticket}/reply", { params: { path, ...params }, body }));
    onDone();
  };
  if (!ticket) {
    return <TextForm label={t.readReason} hint={t.readHint} field="reason" actions={[{ label: t.read, run: read }]} />;
  }
  return (
    <>
      <h3 dir="auto">{ticket.subject}</h3>
      <p class="small muted">{ticket.email}</p>
      <p dir="auto">{ticket.text}</p>
      <TextForm
        label={t.reply}
        hint={t.replyHint}
        templatesFor={review.id}
        field="text"
        maxlength={2000}
        actions={[
          { label: t.send, run: reply },
          { label: t.closeWithout, textless: true, run: (_, params) => reply(null, params) },
        ]}
      />
    </>
  );
}
