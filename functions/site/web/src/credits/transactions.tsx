/** What moved in a period, from the opening balance to the closing one. */
import { useState } from "preact/hooks";

import { api, ask, type Schema } from "../api/client";
import { moment, number, text } from "../text";
import { Choice } from "../ui/field";
import { useAsked } from "../ui/query";
import { Loading, TroubleNotice } from "../ui/states";
import { Frame } from "./layout";
import { Plot } from "./usage-chart";

type Statement = Schema["Statement"];
type Entry = Schema["EntryView"];
type Period = keyof ReturnType<typeof periods>;

/** Entries that come with one page. */
const PAGE = 100;

function periods(now: Date) {
  const month = (offset: number) => new Date(now.getFullYear(), now.getMonth() + offset, 1);
  return {
    month: { from: month(0), to: undefined },
    last: { from: month(-1), to: month(0) },
    quarter: { from: month(-2), to: undefined },
    all: { from: undefined, to: undefined },
  };
}

/** All pages of a period as one statement. */
async function fetchStatement(period: Period): Promise<Statement> {
  const { from, to } = periods(new Date())[period];
  const within = {
    limit: PAGE,
    ...(from ? { from: from.toISOString() } : {}),
    ...(to ? { to: to.toISOString() } : {}),
  };
  const first = await ask<Statement>(api.GET("/v1/account/statement", { params: { query: within } }));
  const whole = { ...first, entries: [...first.entries] };
  // A cursor belongs to its period, whose open ends the first page has closed.
  let cursor = first.next;
  while (cursor) {
    const page: Statement = await ask(api.GET("/v1/account/statement", { params: { query: { ...within, cursor } } }));
    whole.entries.push(...page.entries);
    whole.closing = page.closing;
    cursor = page.next;
  }
  return whole;
}

export function Statement() {
  const t = text.value.credits;
  const [period, choose] = useState<Period>("month");
  const statement = useAsked(() => fetchStatement(period), [period]);
  const { value } = statement;
  return (
    <Frame>
      <Choice
        label={t.period}
        value={period}
        onValue={choose}
        options={(["month", "last", "quarter", "all"] as const).map((value) => ({ value, label: t.periods[value] }))}
      />
      <TroubleNotice trouble={statement.trouble} retry={statement.again} />
      {!value && statement.busy && <Loading />}
      {value && value.entries.length > 0 && <Plot entries={value.entries} from={value.from} to={value.to} />}
      {value && <Table statement={value} />}
    </Frame>
  );
}

function Table({ statement }: { statement: Statement }) {
  const t = text.value.credits;
  return (
    <section class="sheet" tabindex={0} aria-label={t.statement}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.when}</th>
            <th scope="col">{t.why}</th>
            <th scope="col" class="number">
              {t.change}
            </th>
            <th scope="col" class="number">
              {t.balance}
            </th>
          </tr>
        </thead>
        <tbody>
          <tr class="edge">
            <td />
            <th scope="row">{t.opening}</th>
            <td />
            <td class="number">{number(statement.opening.available)}</td>
          </tr>
          {statement.entries.map((entry) => (
            <Row key={entry.id} entry={entry} />
          ))}
          {statement.entries.length === 0 && (
            <tr>
              <td colspan={4}>{t.nothingMoved}</td>
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr class="edge">
            <td />
            <th scope="row">{t.closing}</th>
            <td />
            <td class="number">{number(statement.closing.available)}</td>
          </tr>
        </tfoot>
      </table>
    </section>
  );
}

/** What an entry moved into the credits that can be used, and out of those that are reserved where it spent them. */
export function change({ postings, cause }: Entry): number {
  const bucket = cause.kind === "settle" ? "held" : "available";
  return postings.filter((posting) => posting.bucket === bucket).reduce((sum, { amount }) => sum + amount, 0);
}

function Row({ entry }: { entry: Entry }) {
  const t = text.value.credits;
  const { cause } = entry;
  const amount = change(entry);
  const link =
    "generation" in cause
      ? `/gallery/${cause.generation}`
      : "payment" in cause
        ? `/credits/${cause.payment}`
        : undefined;
  const reserved = cause.kind === "settle";
  return (
    <tr>
      <td>
        <time datetime={entry.at}>{moment(entry.at)}</time>
      </td>
      <td>{link ? <a href={link}>{t.causes[cause.kind]}</a> : t.causes[cause.kind]}</td>
      <td class={reserved ? "number soft" : "number"}>{reserved ? `(${number(Math.abs(amount))})` : signed(amount)}</td>
      <td class="number">{number(entry.balance_after.available)}</td>
    </tr>
  );
}

const signed = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount));
