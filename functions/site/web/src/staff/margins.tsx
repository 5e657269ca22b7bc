/** What models earn and what they cost, by model and day. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { locale, monthName, number } from "../text";
import { Select } from "../ui/field";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import "../credits/credits.css";
import { StaffPage } from "./layout";
import { daysOf, lastMonths, type Sum, sumsBy } from "./margin-sums";
import { staffText } from "./text";

/** How long the sums are kept, in months. */
const MONTHS = 24;
const HEIGHT = 120;

/** `$0.0123`, of millionths of a US dollar. */
const dollars = (microusd: number) =>
  new Intl.NumberFormat(locale.value, { style: "currency", currency: "USD", maximumFractionDigits: 4 }).format(
    microusd / 1_000_000,
  );

/** `12 Nov`, of a day such as `2026-11-12` */
export const dayName = (day: string) =>
  new Intl.DateTimeFormat(locale.value, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));

export function Margins() {
  const t = staffText.value.margins;
  const months = lastMonths(MONTHS, new Date());
  const [month, setMonth] = useState(months[0] ?? "");
  const [model, setModel] = useState("");
  const query = useQuery<Schema["Margins"]>(
    () => unwrap(api.GET("/v1/staff/margins/{month}", { params: { path: { month } } })),
    [month],
  );
  const credit = query.data?.credit_microusd ?? 0;
  const margins = query.data?.days ?? [];
  const byModel = sumsBy(margins, credit, (margin) => margin.model);
  const chosen = margins.filter((margin) => model === "" || margin.model === model);
  const byDay = sumsBy(chosen, credit, ({ day }) => day);
  const models = [...new Set([...byModel.map(({ name }) => name), ...(model ? [model] : [])])].sort();
  return (
    <StaffPage lead={t.lead}>
      <Select
        label={t.month}
        value={month}
        onValue={setMonth}
        options={months.map((value) => ({ value, label: monthName(value) }))}
      />
      {query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && (
        <>
          <p class="small muted">{t.credit(dollars(credit))}</p>
          <Table title={t.byModel} first={t.model} sums={byModel} name={(name) => <code>{name}</code>} />
          <Select
            label={t.show}
            value={model}
            onValue={setModel}
            options={[{ value: "", label: t.allModels }, ...models.map((value) => ({ value, label: value }))]}
          />
          <Chart days={daysOf(month, byDay)} />
          <Table title={t.byDay} first={t.day} sums={byDay} name={dayName} />
        </>
      )}
    </StaffPage>
  );
}

/** What was earned and what it cost on each day: two bars beside each other. */
export function Chart({ days }: { days: readonly Sum[] }) {
  const t = staffText.value.margins;
  const total = (of: (sum: Sum) => number) => days.reduce((sum, day) => sum + of(day), 0);
  const max = Math.max(1, ...days.map(({ earned, cost }) => Math.max(earned, cost)));
  const summary = t.total(dollars(total(({ earned }) => earned)), dollars(total(({ cost }) => cost)));
  const step = 100 / days.length;
  return (
    <figure class="usage-chart">
      <figcaption class="row spread">
        <strong>{t.chart}</strong>
        <span class="muted small">{summary}</span>
      </figcaption>
      <div>
        <span class="usage-chart-max" aria-hidden="true">
          {dollars(max)}
        </span>
        <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
          {[0.5, 1].map((part) => (
            <line key={part} x1="0" x2="100" y1={HEIGHT * (1 - part) + 0.5} y2={HEIGHT * (1 - part) + 0.5} />
          ))}
          {days.flatMap(({ name, earned, cost }, index) =>
            [earned, cost].map((value, place) => {
              const height = (value / max) * HEIGHT;
              const x = index * step + step * (0.1 + 0.4 * place);
              return (
                <rect
                  key={`${name} ${place}`}
                  class={place === 1 ? "second" : undefined}
                  x={x}
                  width={step * 0.4}
                  y={HEIGHT - height}
                  height={height}
                >
                  <title>{`${dayName(name)}: ${place === 1 ? t.cost : t.earned} ${dollars(value)}`}</title>
                </rect>
              );
            }),
          )}
        </svg>
      </div>
      <div class="row spread small muted" aria-hidden="true">
        <span>{dayName(days[0]?.name ?? "")}</span>
        <span class="row">
          <span>
            <i class="usage-chart-key" /> {t.earned}
          </span>
          <span>
            <i class="usage-chart-key second" /> {t.cost}
          </span>
        </span>
        <span>{dayName(days.at(-1)?.name ?? "")}</span>
      </div>
    </figure>
  );
}

interface TableProperties {
  title: string;
  first: string;
  sums: readonly Sum[];
  name: (name: string) => preact.ComponentChildren;
}

function Table({ title, first, sums, name }: TableProperties) {
  const t = staffText.value.margins;
  const columns = [t.generations, t.outputs, t.credits, t.earned, t.cost, t.margin];
  if (sums.length === 0) return <p class="muted">{t.empty}</p>;
  return (
    <section class="table-scroll" tabindex={0} aria-label={title}>
      <table>
        <caption class="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {columns.map((column) => (
              <th key={column} scope="col" class="number">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sums.map((sum) => (
            <tr key={sum.name}>
              <th scope="row">{name(sum.name)}</th>
              <td class="number">{number(sum.generations)}</td>
              <td class="number">{number(sum.outputs)}</td>
              <td class="number">{number(sum.credits)}</td>
              <td class="number">{dollars(sum.earned)}</td>
              <td class="number">{dollars(sum.cost)}</td>
              <td class="number">{marginOf(sum)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** `$0.05 (+160%)`: what is left, also as a part of the cost, as the margin of the catalogue is. */
function marginOf({ earned, cost }: Sum): string {
  const left = dollars(earned - cost);
  if (cost === 0) return left;
  const format = new Intl.NumberFormat(locale.value, { style: "percent", signDisplay: "exceptZero" });
  return `${left} (${format.format((earned - cost) / cost)})`;
}
