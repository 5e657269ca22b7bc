/** All purchases, each with its receipt. */
import { api, type Schema, unwrap } from "../api/client";
import { CreditsPage } from "../credits/layout";
import { dateTime, money, text } from "../text";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { Empty, ErrorNotice, Loading } from "../ui/states";
import { PROVIDER_NAMES } from "./providers";

type PaymentView = Schema["PaymentView"];

/** Returns whether something was paid, or is about to be. Canceled and abandoned checkouts are no purchases. */
const isPurchase = ({ status }: PaymentView) => !["created", "expired", "failed"].includes(status);

export function Receipts() {
  const t = text.value.payments;
  const list = usePagedList((cursor) =>
    unwrap(api.GET("/v1/checkout", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  const unpaid = list.items.filter((payment) => !isPurchase(payment));
  return (
    <CreditsPage>
      <ErrorNotice error={list.error} retry={list.reload} />
      {!list.loaded && list.busy && <Loading />}
      {list.loaded && !list.next && unpaid.length === list.items.length && (
        <Empty title={t.noReceipts}>
          <a class="button primary" href="/credits">
            {text.value.credits.pages.buy}
          </a>
        </Empty>
      )}
      <PaymentList payments={list.items.filter(isPurchase)} />
      {unpaid.length > 0 && (
        <details>
          <summary class="small muted">{t.unpaidCheckouts(unpaid.length)}</summary>
          <PaymentList payments={unpaid} />
        </details>
      )}
      <LoadMore list={list} />
    </CreditsPage>
  );
}

function PaymentList({ payments }: { payments: readonly PaymentView[] }) {
  const t = text.value.payments;
  return (
    <ul class="receipts">
      {payments.map((payment) => (
        <li key={payment.id}>
          <a href={`/credits/${payment.id}`}>
            <span>
              <strong>
                {text.value.credits.count(payment.credits)}
                {payment.gift && ` (${t.gift.name})`}
              </strong>
              <span class="muted small">
                {PROVIDER_NAMES[payment.provider]} · {dateTime(payment.created_at)}
              </span>
            </span>
            <span class="tag">{t.status[payment.status]}</span>
            <span class="number">{money(payment.total ?? payment.price)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
