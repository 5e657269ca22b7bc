/** All purchases, each with its receipt. */
import { api, unwrap } from "../api/client";
import { CreditsPage } from "../credits/layout";
import { dateTime, money, text } from "../text";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { Empty, ErrorNotice, Loading } from "../ui/states";
import { PROVIDER_NAMES } from "./providers";

export function Receipts() {
  const t = text.value.payments;
  const list = usePagedList((cursor) =>
    unwrap(api.GET("/v1/checkout", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <CreditsPage>
      <ErrorNotice error={list.error} retry={list.reload} />
      {!list.loaded && list.busy && <Loading />}
      {list.loaded && list.items.length === 0 && (
        <Empty title={t.noReceipts}>
          <a class="button primary" href="/credits">
            {text.value.credits.pages.buy}
          </a>
        </Empty>
      )}
      <ul class="receipts">
        {list.items.map((payment) => (
          <li key={payment.id}>
            <a href={`/credits/${payment.id}`}>
              <span>
                <strong>{text.value.credits.count(payment.credits)}</strong>
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
      <LoadMore list={list} />
    </CreditsPage>
  );
}
