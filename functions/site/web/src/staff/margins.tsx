/** What models earn and what they cost, by model and day. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { locale, monthName, number } from "../text";
import { Select } from "../ui/field";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { BarChart, dayName } from "./bar-chart";
import { StaffPage } from "./layout";
import { daysOf, lastMonths, type Sum, sumsBy } from "./margin-sums";
import { staffText } from "./text";

/** How long the sums are kept, in months. */
const MONTHS = 24;

/** `$0.0123`, of millionths of a US dollar. */
const dollars = (microusd: number) =>
  new Intl.NumberFormat(locale.value, { style: "currency", currency: "USD", maximumFractionDigits: 4 }).format(
    microusd / 1_000_000,
  );

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

/** What was earned and what it cost on each day. */
export function Chart({ days }: { days: readonly Sum[] }) {
  const t = staffText.value.margins;
  const [earned, cost] = [days.map((day) => day.earned), days.map((day) => day.cost)];
  const total = (values: readonly number[]) => dollars(values.reduce((sum, value) => sum + value, 0));
  return (
    <BarChart
      title={t.chart}
      summary={t.total(total(earned), total(cost))}
      days={days.map(({ name }) => name)}
      series={[
        { name: t.earned, values: earned },
        { name: t.cost, values: cost },
      ]}
      format={dollars}
    />
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
