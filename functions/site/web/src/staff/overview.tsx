/** What waits for a decision, what happens in the service, and what this month earned and cost. */
import { api, type Schema, unwrap } from "../api/client";
import { date, monthName, number, relativeTime } from "../text";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { dayName } from "./bar-chart";
import { Figures } from "./figures";
import { StaffPage } from "./layout";
import { daysOf, lastMonths, sumsBy } from "./margin-sums";
import { Chart } from "./margins";
import { loadReviews, type Review } from "./reviews";
import { hasRole } from "./roles";
import { staffText } from "./text";
import { type Waiting, waitingByKind } from "./waiting";

/** The pages of open cases that are counted. */
const MOST_PAGES = 10;

export function Overview() {
  const t = staffText.value.overview;
  return (
    <StaffPage lead={t.lead}>
      <WaitingCases />
      <EndingModels />
      <Figures month={lastMonths(1, new Date())[0] ?? ""} />
      {hasRole("finance") && <ThisMonth />}
    </StaffPage>
  );
}

/** Loads the open cases, and whether there are more of them. */
async function loadOpen(): Promise<{ reviews: Review[]; more: boolean }> {
  const reviews: Review[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, next } = await loadReviews(cursor);
    reviews.push(...items);
    if (!next) return { reviews, more: false };
    cursor = next;
  }
  return { reviews, more: true };
}

function WaitingCases() {
  const t = staffText.value;
  const query = useQuery(loadOpen);
  const waiting = waitingByKind(query.data?.reviews ?? []);
  return (
    <section class="card stack">
      <h2>{t.overview.waiting}</h2>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && waiting.length === 0 && <p class="muted">{t.cases.empty}</p>}
      {query.data?.more && <p class="small muted">{t.overview.more(number(query.data.reviews.length))}</p>}
      <ul class="stack tight">
        {waiting.map((kind) => (
          <WaitingKind key={kind.kind} {...kind} />
        ))}
      </ul>
    </section>
  );
}

function WaitingKind({ kind, count, oldest }: Waiting) {
  const t = staffText.value;
  return (
    <li class="row spread">
      <a href={`/staff/cases?kind=${kind}`}>
        {t.cases.kinds[kind]} ({number(count)})
      </a>
      <time class="small muted" datetime={oldest}>
        {t.overview.oldest(relativeTime(oldest))}
      </time>
    </li>
  );
}

/** Which models their providers end, or the catalogue retires. */
function EndingModels() {
  const t = staffText.value.overview.models;
  const query = useQuery<Schema["ModelWatchView"]>(() => unwrap(api.GET("/v1/staff/models")));
  const { asked_at, unanswered = 0, findings = [], retiring = [] } = query.data ?? {};
  return (
    <section class="card stack">
      <h2>{t.title}</h2>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && (
        <>
          {findings.length + retiring.length === 0 && <p class="muted">{t.none}</p>}
          <ul class="stack tight">
            {findings.map((finding) => (
              <li key={`${finding.model} ${finding.offer}`} class="row spread">
                <span>
                  <code>{finding.model}</code>: {t.by(finding.provider, finding.provider_model)}.{" "}
                  {noticeText(finding.notice)}
                </span>
                <time class="small muted" datetime={finding.since}>
                  {t.since(date(finding.since))}
                </time>
              </li>
            ))}
            {retiring.map(({ model, on }) => (
              <li key={model}>
                <code>{model}</code>: {t.retired(dayName(on))}
              </li>
            ))}
          </ul>
          <p class="small muted">
            {asked_at ? t.asked(relativeTime(asked_at)) : t.never} {unanswered > 0 && t.unanswered(unanswered)}
          </p>
        </>
      )}
    </section>
  );
}

function noticeText(notice: Schema["ModelNotice"]): string {
  const t = staffText.value.overview.models.notices;
  return notice.kind === "shuts_down" ? t.shuts_down(dayName(notice.on)) : t[notice.kind];
}

function ThisMonth() {
  const t = staffText.value.overview;
  const [month = ""] = lastMonths(1, new Date());
  const query = useQuery<Schema["Margins"]>(() =>
    unwrap(api.GET("/v1/staff/margins/{month}", { params: { path: { month } } })),
  );
  const credit = query.data?.credit_microusd ?? 0;
  const days = query.data?.days ?? [];
  const [sum] = sumsBy(days, credit, () => month);
  return (
    <section class="card stack">
      <h2>{monthName(month)}</h2>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && (
        <>
          <p>{t.generated(sum?.generations ?? 0, sum?.credits ?? 0)}</p>
          <Chart
            days={daysOf(
              month,
              sumsBy(days, credit, ({ day }) => day),
            )}
          />
          <p>
            <a class="button small" href="/staff/margins">
              {t.margins}
            </a>
          </p>
        </>
      )}
    </section>
  );
}
