/** Every purchase, with its receipt. */
import { api, ask } from "../api/client";
import { Frame, PROVIDERS } from "../credits/layout";
import { moment, money, text } from "../text";
import { More, usePages } from "../ui/paged-list";
import { Empty, Loading, TroubleNotice } from "../ui/states";

export function Receipts() {
  const t = text.value.credits;
  const pages = usePages((cursor) =>
    ask(api.GET("/v1/checkout", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <Frame>
      <TroubleNotice trouble={pages.trouble} retry={pages.again} />
      {!pages.begun && pages.busy && <Loading />}
      {pages.begun && pages.items.length === 0 && (
        <Empty title={t.noReceipts}>
          <a class="button primary" href="/credits">
            {t.packages}
          </a>
        </Empty>
      )}
      <ul class="receipts">
        {pages.items.map((payment) => (
          <li key={payment.id}>
            <a href={`/credits/${payment.id}`}>
              <span>
                <strong>{t.credits(payment.credits)}</strong>
                <span class="soft small">
                  {PROVIDERS[payment.provider]} · {moment(payment.created_at)}
                </span>
              </span>
              <span class="tag">{t.status[payment.status]}</span>
              <span class="number">{money(payment.total ?? payment.price)}</span>
            </a>
          </li>
        ))}
      </ul>
      <More pages={pages} />
    </Frame>
  );
}
