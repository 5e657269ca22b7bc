/** All changes of the balance in a period, from the opening to the closing balance. */
import { dateTime, number, text } from "../text";
import { type LedgerEntry, type Statement, StatementPage } from "./statement";

export function Transactions() {
  return <StatementPage>{(statement) => <Table statement={statement} />}</StatementPage>;
}

function Table({ statement }: { statement: Statement }) {
  const t = text.value.credits;
  return (
    <section class="table-scroll" tabindex={0} aria-label={t.pages.transactions}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.date}</th>
            <th scope="col">{t.description}</th>
            <th scope="col" class="number">
              {t.amount}
            </th>
            <th scope="col" class="number">
              {t.balance}
            </th>
          </tr>
        </thead>
        <tbody>
          <tr class="table-total">
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
              <td colspan={4}>{t.noTransactions}</td>
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr class="table-total">
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

/** Returns the change of the available credits; for a settlement, the change of the reserved credits that it spent. */
export function amountOf({ postings, cause }: LedgerEntry): number {
  const bucket = cause.kind === "settle" ? "held" : "available";
  return postings.filter((posting) => posting.bucket === bucket).reduce((sum, { amount }) => sum + amount, 0);
}

function Row({ entry }: { entry: LedgerEntry }) {
  const t = text.value.credits;
  const { cause } = entry;
  const amount = amountOf(entry);
  const link =
    "generation" in cause
      ? `/gallery/${cause.generation}`
      : "payment" in cause
        ? `/credits/${cause.payment}`
        : undefined;
  const wasReserved = cause.kind === "settle";
  return (
    <tr>
      <td>
        <time datetime={entry.at}>{dateTime(entry.at)}</time>
      </td>
      <td>{link ? <a href={link}>{t.causes[cause.kind]}</a> : t.causes[cause.kind]}</td>
      <td class={wasReserved ? "number muted" : "number"}>
        {wasReserved ? `(${number(Math.abs(amount))})` : withSign(amount)}
      </td>
      <td class="number">{number(entry.balance_after.available)}</td>
    </tr>
  );
}

const withSign = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount));
