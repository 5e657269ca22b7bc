/** Where buyers come back to: a payment, followed until it is decided, and its receipt. */
import { useEffect, useRef } from "preact/hooks";

import { load as loadAccount } from "../accounts/account";
import { api, ask, type Schema } from "../api/client";
import { Frame, PROVIDERS } from "../credits/layout";
import { query } from "../router";
import { moment, money, text } from "../text";
import { useAct, useAsked } from "../ui/query";
import { Loading, TroubleNotice } from "../ui/states";

type Payment = Schema["PaymentView"];

/** How often an open payment is asked for, in milliseconds, and for how long. */
const ASK_EVERY_MS = 2_000;
const ASK_FOR_MS = 120_000;

const isOpen = ({ status }: Payment) => status === "created" || status === "pending";

export function Return({ id }: { id: string }) {
  const params = { path: { id } };
  const payment = useAsked(() => ask<Payment>(api.GET("/v1/checkout/{id}", { params })), [id]);
  const capture = useAct();
  const began = useRef(Date.now());
  const captured = useRef(false);
  const waits = Date.now() - began.current <= ASK_FOR_MS;
  const again = () => {
    began.current = Date.now();
    void payment.again();
  };
  const { value } = payment;
  useEffect(() => {
    if (!value) return;
    if (!isOpen(value)) return void loadAccount();
    // PayPal sends the buyer back with the word that they agreed; the money is taken now.
    if (value.provider === "paypal" && value.status === "created" && query.value.has("PayerID") && !captured.current) {
      captured.current = true;
      void capture
        .act(async () => payment.set(await ask(api.POST("/v1/checkout/{id}/capture", { params }))))
        .then((worked) => {
          // Whoever tries again means all of it.
          captured.current = worked;
        });
      return;
    }
    if (!waits) return;
    const timer = setTimeout(payment.again, ASK_EVERY_MS);
    return () => clearTimeout(timer);
  }, [value, payment.trouble]);
  const t = text.value.credits;
  return (
    <Frame>
      <section class="stack" aria-live="polite">
        <h2>{t.return.title}</h2>
        {!value && payment.busy && <Loading />}
        <TroubleNotice trouble={payment.trouble ?? capture.trouble} retry={again} />
        {value && <Outcome payment={value} waits={waits} again={again} />}
        {value?.total && <ReceiptFacts payment={value} />}
      </section>
    </Frame>
  );
}

function Outcome({ payment, waits, again }: { payment: Payment; waits: boolean; again: () => void }) {
  const t = text.value.credits;
  const { status } = payment;
  if (status === "paid") {
    return (
      <div class="notice good">
        <div>
          <strong>{t.return.paid(payment.granted)}</strong>
          <p>{t.return.paidText}</p>
        </div>
        <a class="button primary" href="/">
          {t.return.studio}
        </a>
      </div>
    );
  }
  const words = {
    created: [t.return.created, t.return.createdText],
    pending: [t.return.pending, t.return.pendingText],
    in_review: [t.return.in_review, t.return.in_reviewText],
    failed: [t.return.failed, t.return.failedText],
    expired: [t.return.failed, t.return.failedText],
  } as Partial<Record<Payment["status"], readonly [string, string]>>;
  const [title, explained] = words[status] ?? [t.status[status], ""];
  return (
    <div class="notice">
      <div>
        <strong>{title}</strong>
        <p>{explained}</p>
        {isOpen(payment) && waits && (
          <div class="bar unknown">
            <i />
          </div>
        )}
      </div>
      {isOpen(payment) && !waits && (
        <button type="button" class="button" onClick={again}>
          {text.value.doing.retry}
        </button>
      )}
      <a class="button" href="/credits">
        {t.return.again}
      </a>
    </div>
  );
}

/** What a receipt says. */
export function ReceiptFacts({ payment }: { payment: Payment }) {
  const t = text.value.credits;
  return (
    <article class="card stack receipt">
      <div class="row apart">
        <h3>{t.receipt}</h3>
        <span class="tag">{t.status[payment.status]}</span>
      </div>
      <dl class="facts">
        <dt>{t.bought}</dt>
        <dd>{t.credits(payment.credits)}</dd>
        <dt>{t.price}</dt>
        <dd>{money(payment.price)}</dd>
        {payment.total && (
          <>
            <dt>{t.total}</dt>
            <dd>
              <strong>{money(payment.total)}</strong>
            </dd>
          </>
        )}
        <dt>{t.provider}</dt>
        <dd>{PROVIDERS[payment.provider]}</dd>
        {payment.paid_at && (
          <>
            <dt>{t.when}</dt>
            <dd>
              <time datetime={payment.paid_at}>{moment(payment.paid_at)}</time>
            </dd>
          </>
        )}
        {payment.transaction && (
          <>
            <dt>{t.transaction}</dt>
            <dd>
              <code>{payment.transaction}</code>
            </dd>
          </>
        )}
        {payment.billing_email && (
          <>
            <dt>{t.sentTo}</dt>
            <dd>
              <bdi>{payment.billing_email}</bdi>
            </dd>
          </>
        )}
        {payment.refunds
          .filter(({ undone }) => !undone)
          .map((refund) => (
            <>
              <dt>{t.refunded}</dt>
              <dd>{money(refund.amount)}</dd>
            </>
          ))}
      </dl>
      <div class="row">
        <button type="button" class="button small" onClick={() => print()}>
          {t.print}
        </button>
        <a class="button quiet small" href={`/support?payment=${payment.id}`}>
          {text.value.foot.support}
        </a>
      </div>
    </article>
  );
}
