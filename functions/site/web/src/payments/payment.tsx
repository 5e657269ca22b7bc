/** A payment: its state until it is decided, and its receipt. Buyers return here from the payment provider. */
import { useEffect, useRef } from "preact/hooks";

import { loadAccount } from "../accounts/account";
import { api, type Schema, unwrap } from "../api/client";
import { growingWait } from "../api/poll";
import { CreditsPage } from "../credits/layout";
import { query } from "../router";
import { dateTime, money, text } from "../text";
import { CopyField } from "../ui/copy-field";
import { useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { PROVIDER_NAMES } from "./providers";

type PaymentView = Schema["PaymentView"];

/** The first and the longest wait before an open payment is loaded again, in milliseconds. */
const [POLL_FIRST_MS, POLL_LONGEST_MS] = [2_000, 10_000];
/** How long an open payment is polled, in milliseconds. */
const POLL_DURATION_MS = 120_000;

const isOpen = ({ status }: PaymentView) => status === "created" || status === "pending";

export function Payment({ id }: { id: string }) {
  const params = { path: { id } };
  const payment = useQuery(() => unwrap<PaymentView>(api.GET("/v1/checkout/{id}", { params })), [id]);
  const capture = useMutation();
  const startedAt = useRef(Date.now());
  const polls = useRef(0);
  const captured = useRef(false);
  // The buyer canceled on the payment page: nothing is waited for.
  const isCanceled = query.value.has("canceled");
  const isPolling = !isCanceled && Date.now() - startedAt.current <= POLL_DURATION_MS;
  const restart = () => {
    startedAt.current = Date.now();
    polls.current = 0;
    void payment.refetch();
  };
  const { data } = payment;
  useEffect(() => {
    if (!data) return;
    if (!isOpen(data)) return void loadAccount();
    // PayPal returns the buyer after their approval: the capture takes the money.
    if (data.provider === "paypal" && data.status === "created" && query.value.has("PayerID") && !captured.current) {
      captured.current = true;
      void capture
        .run(async () => {
          const result = await unwrap<PaymentView>(api.POST("/v1/checkout/{id}/capture", { params }));
          // PayPal declined the means of payment: the buyer chooses another one there.
          if (result.url) location.assign(result.url);
          // Only the payment itself shows the code of a gift.
          else if (result.gift) payment.refetch();
          else payment.setData(result);
        })
        .then((succeeded) => {
          // After a failure, another try captures again.
          captured.current = succeeded;
        });
      return;
    }
    if (!isPolling) return;
    const timer = setTimeout(payment.refetch, growingWait(polls.current++, POLL_FIRST_MS, POLL_LONGEST_MS));
    return () => clearTimeout(timer);
  }, [data, payment.error]);
  return (
    <CreditsPage>
      <section class="stack" aria-live="polite">
        <h2>{text.value.payments.payment}</h2>
        {!data && payment.busy && <Loading />}
        <ErrorNotice error={payment.error ?? capture.error} retry={restart} />
        {data && <Outcome payment={data} isCanceled={isCanceled} isPolling={isPolling} retry={restart} />}
        {data?.gift?.code && (
          <CopyField
            label={text.value.payments.gift.code}
            value={data.gift.code}
            hint={text.value.payments.gift.codeText}
          />
        )}
        {data?.total && <ReceiptDetails payment={data} />}
      </section>
    </CreditsPage>
  );
}

interface OutcomeProperties {
  payment: PaymentView;
  isCanceled: boolean;
  isPolling: boolean;
  retry: () => void;
}

function Outcome({ payment, isCanceled, isPolling, retry }: OutcomeProperties) {
  const t = text.value.payments;
  const { status, gift } = payment;
  if (gift && gift.state !== "waiting") {
    const date = gift.redeemed_at ? dateTime(gift.redeemed_at) : "";
    return (
      <div class={gift.state === "open" ? "notice success" : "notice"}>
        <div>
          <strong>{t.gift.states[gift.state](gift.credits, date)}</strong>
          {gift.state === "open" && <p>{t.gift.openText}</p>}
        </div>
      </div>
    );
  }
  if (status === "paid") {
    return (
      <div class="notice success">
        <div>
          <strong>{t.paid(payment.granted)}</strong>
          <p>{t.paidText}</p>
        </div>
        <a class="button primary" href="/">
          {t.create}
        </a>
      </div>
    );
  }
  const messages: Partial<Record<PaymentView["status"], readonly [string, string]>> = {
    created: isCanceled ? [t.canceled, t.canceledText] : [t.unpaid, t.unpaidText],
    pending: [t.pending, t.pendingText],
    in_review: [t.inReview, t.inReviewText],
    failed: [t.failed, t.failedText],
    expired: [t.failed, t.failedText],
  };
  const [title, explanation] = messages[status] ?? [t.status[status], ""];
  return (
    <div class="notice">
      <div>
        <strong>{title}</strong>
        <p>{explanation}</p>
        {isOpen(payment) && isPolling && (
          <div class="bar indeterminate">
            <i />
          </div>
        )}
      </div>
      {isOpen(payment) && !isPolling && !isCanceled && (
        <button type="button" class="button" onClick={retry}>
          {text.value.actions.retry}
        </button>
      )}
      <a class="button" href="/credits">
        {t.back}
      </a>
    </div>
  );
}

function ReceiptDetails({ payment }: { payment: PaymentView }) {
  const t = text.value.payments;
  return (
    <article class="card stack receipt">
      <div class="row spread">
        <h3>{t.receipt}</h3>
        <span class="tag">{t.status[payment.status]}</span>
      </div>
      <dl class="facts">
        <dt>{t.bought}</dt>
        <dd>
          {text.value.credits.count(payment.credits)}
          {payment.gift && ` (${t.gift.name})`}
        </dd>
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
        <dd>{PROVIDER_NAMES[payment.provider]}</dd>
        {payment.paid_at && (
          <>
            <dt>{t.date}</dt>
            <dd>
              <time datetime={payment.paid_at}>{dateTime(payment.paid_at)}</time>
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
          .filter(({ reverted }) => !reverted)
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
        <a class="button ghost small" href={`/support?payment=${payment.id}`}>
          {t.contact}
        </a>
      </div>
    </article>
  );
}
