/** The log of staff access to the data of the account. */
import { api, type Schema, unwrap } from "../api/client";
import { date, dateTime, money, text } from "../text";
import { LoadMore, usePagedList } from "../ui/paged-list";
import { Empty, ErrorNotice, Loading } from "../ui/states";
import { kindName } from "./inventory";
import { PrivacyPage } from "./layout";

type Action = Schema["AuditAction"];

export function AccessLog() {
  const t = text.value.privacy.accessLog;
  const list = usePagedList((cursor) =>
    unwrap(api.GET("/v1/account/access-log", { params: { query: { ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <PrivacyPage lead={t.lead}>
      {!list.loaded && list.busy && <Loading />}
      <ErrorNotice error={list.error} retry={list.reload} />
      {list.loaded && list.items.length === 0 && (
        <Empty title={t.empty}>
          <p>{t.emptyText}</p>
        </Empty>
      )}
      <dl class="log">
        {list.items.map((entry) => (
          <div key={entry.id} class="log-entry">
            <dt>
              <strong>{describe(entry.action)}</strong>
              <time datetime={entry.at}>{dateTime(entry.at)}</time>
            </dt>
            <dd class="small muted">
              <span>
                {t.staff} <code>{entry.staff}</code>
                {"reference" in entry.action && (
                  <>
                    {" "}
                    · {t.ticket} <bdi>{entry.action.reference}</bdi>
                  </>
                )}
              </span>
              {entry.undisclosed_until && <span>{t.withheldUntil(date(entry.undisclosed_until))}</span>}
            </dd>
          </div>
        ))}
      </dl>
      <LoadMore list={list} />
    </PrivacyPage>
  );
}

function describe(action: Action): string {
  const t = text.value.privacy.accessLog;
  switch (action.kind) {
    case "opened":
      return t.opened(action.reason);
    case "read": {
      const { resource: read } = action;
      const resource = typeof read === "string" ? read : "generation" in read ? "generation" : "upload";
      return t.viewed(t.resources[resource]);
    }
    case "disclosed":
      return t.disclosed(action.kinds.map(kindName).join("; "), action.reason);
    case "adjusted_credits":
      return t.adjusted_credits(action.amount, action.note);
    case "granted_plan":
      return t.granted_plan(text.value.payments.plans[action.plan], action.note);
    case "requested_refund":
      return t.requested_refund(money(action.amount), action.note);
    case "granted_role":
    case "revoked_role":
      return t[action.kind](t.roles[action.role]);
    case "ended_sessions":
    case "requested_deletion":
    case "froze":
    case "unfroze":
    case "suspended_publishing":
    case "restored_publishing":
      return t[action.kind](action.note);
    case "decided":
      return action.release ? t.granted(action.note) : t.refused(action.note);
    default:
      return t[action.kind];
  }
}
