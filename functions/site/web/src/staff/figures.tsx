/** What happens in the service: generations, their failures and providers, sign-ups, and for finance the money, by day. */
import type { ComponentChildren } from "preact";

import { api, type Schema, unwrap } from "../api/client";
import { money, monthName, number, relativeTime } from "../text";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { BarChart } from "./bar-chart";
import { byDay, currencies, daysOfMonth, failures, providers, total } from "./figures-sums";
import { staffText } from "./text";

type DailySum = Schema["DailySum"];

/** How long a generation may take before a staff member should look, in minutes. */
const SLOW_MINUTES = 15;

export function Figures({ month }: { month: string }) {
  const query = useQuery<Schema["Figures"]>(
    () => unwrap(api.GET("/v1/staff/figures/{month}", { params: { path: { month } } })),
    [month],
  );
  return (
    <>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && (
        <>
          <Unfinished {...query.data} />
          <Generations month={month} sums={query.data.days} />
          <Money month={month} sums={query.data.days} />
        </>
      )}
    </>
  );
}

/** How many generations have not ended, and whether the oldest waits too long. */
function Unfinished({ unfinished, oldest_unfinished: oldest }: Schema["Figures"]) {
  const t = staffText.value.figures;
  const isSlow = oldest ? Date.now() - Date.parse(oldest) > SLOW_MINUTES * 60_000 : false;
  return (
    <section class="card stack">
      <h2>{t.unfinished}</h2>
      <p class="row spread">
        <span>{t.running(unfinished)}</span>
        {oldest && (
          <time class="small muted" datetime={oldest}>
            {t.oldest(relativeTime(oldest))}
          </time>
        )}
      </p>
      {isSlow && <p class="notice error">{t.slow(SLOW_MINUTES)}</p>}
    </section>
  );
}

function Generations({ month, sums }: { month: string; sums: readonly DailySum[] }) {
  const t = staffText.value.figures;
  const days = daysOfMonth(month);
  const succeeded = byDay(days, sums, ["succeeded"]);
  const failed = byDay(days, sums, ["failed"]);
  const canceled = total(byDay(days, sums, ["canceled"]));
  const signUps = byDay(days, sums, ["sign_up"]);
  return (
    <section class="card stack">
      <h2>{t.generations(monthName(month))}</h2>
      <BarChart
        title={t.byDay}
        summary={t.outcomes(total(succeeded), total(failed), canceled)}
        days={days}
        series={[
          { name: t.succeeded, values: succeeded },
          { name: t.failed, values: failed },
        ]}
        format={number}
      />
      <Table
        title={t.reasons}
        columns={[t.reason, t.count]}
        rows={failures(sums).map(({ reason, count }) => [
          t.codes[reason as keyof typeof t.codes] ?? reason,
          number(count),
        ])}
      />
      <Table
        title={t.providers}
        columns={[t.provider, t.succeeded, t.failed, t.mean]}
        rows={providers(sums).map(({ provider, succeeded, failed, meanMs }) => [
          <code key={provider}>{provider}</code>,
          number(succeeded),
          number(failed),
          meanMs === undefined ? "–" : t.seconds(number(Math.round(meanMs / 100) / 10)),
        ])}
      />
      <BarChart
        title={t.signUps}
        summary={t.opened(total(signUps))}
        days={days}
        series={[{ name: t.signUps, values: signUps }]}
        format={number}
      />
    </section>
  );
}

/** Payments and returns, by currency. Only finance gets any. */
function Money({ month, sums }: { month: string; sums: readonly DailySum[] }) {
  const t = staffText.value.figures;
  const days = daysOfMonth(month);
  const found = currencies(sums);
  if (found.length === 0) return null;
  const moved = (kind: DailySum["kind"]) =>
    total(sums.filter((sum) => sum.kind === kind).map(({ credits }) => credits));
  return (
    <section class="card stack">
      <h2>{t.money}</h2>
      <p>{t.credits(moved("sold"), moved("returned"))}</p>
      {found.map((currency) => {
        const own = sums.filter(({ detail }) => detail === currency);
        const paid = byDay(days, own, ["sold"], ({ amount }) => amount);
        const returned = byDay(days, own, ["returned"], ({ amount }) => amount);
        const format = (amount: number) => money({ amount, currency });
        return (
          <BarChart
            key={currency}
            title={t.moneyIn(currency)}
            summary={t.paidAndReturned(format(total(paid)), format(total(returned)))}
            days={days}
            series={[
              { name: t.paid, values: paid },
              { name: t.returned, values: returned },
            ]}
            format={format}
          />
        );
      })}
    </section>
  );
}

interface TableProperties {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly ComponentChildren[])[];
}

/** A table whose first column names the row; nothing if it has no rows. */
function Table({ title, columns, rows }: TableProperties) {
  if (rows.length === 0) return null;
  return (
    <section class="stack tight">
      <h3>{title}</h3>
      <section class="table-scroll" tabindex={0} aria-label={title}>
        <table>
          <caption class="visually-hidden">{title}</caption>
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th key={column} scope="col" class={index > 0 ? "number" : undefined}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((cells, row) => (
              <tr key={row}>
                {cells.map((cell, index) =>
                  index === 0 ? (
                    <th key={columns[index]} scope="row">
                      {cell}
                    </th>
                  ) : (
                    <td key={columns[index]} class="number">
                      {cell}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
