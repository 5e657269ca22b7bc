/** What changed the balance in a period, a row for each generation and each change of a payment, from the opening to the closing balance. */
import { dateTime, number, text } from "../text";
import { rowsOf, type StatementRow } from "./rows";
import { type LedgerEntry, type Statement, StatementPage } from "./statement";

export function Transactions() {
  return <StatementPage>{(statement) => <Table statement={statement} />}</StatementPage>;
}

function Table({ statement }: { statement: Statement }) {
  const t = text.value.credits;
  const rows = rowsOf(statement);
  const prompts = new Map(statement.prompts.map(({ generation, prompt }) => [generation, prompt]));
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
          {rows.map((row) => (
            <Row key={row.key} row={row} prompts={prompts} />
          ))}
          {rows.length === 0 && (
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

function Row({
  row: { at, cause, isGift, amount, balance },
  prompts,
}: {
  row: StatementRow;
  prompts: Map<string, string>;
}) {
  return (
    <tr>
      <td>
        <time datetime={at}>{dateTime(at)}</time>
      </td>
      <td>
        {"generation" in cause ? (
          <Generation cause={cause} prompts={prompts} />
        ) : (
          <Description cause={cause} isGift={isGift} />
        )}
      </td>
      <td class="number">{withSign(amount)}</td>
      <td class="number">{number(balance)}</td>
    </tr>
  );
}

type Cause = LedgerEntry["cause"];
type GenerationCause = Extract<Cause, { generation: string }>;

/** The prompt of a generation, and whether its credits are reserved or were refunded. */
function Generation({ cause, prompts }: { cause: GenerationCause; prompts: Map<string, string> }) {
  const t = text.value.credits;
  const prompt = prompts.get(cause.generation);
  return (
    <>
      {prompt === undefined ? (
        t.deleted
      ) : (
        <a class="statement-prompt" dir="auto" href={`/gallery/${cause.generation}`}>
          {prompt}
        </a>
      )}
      {cause.kind !== "settle" && <div class="muted">{t.causes[cause.kind]}</div>}
    </>
  );
}

function Description({ cause, isGift }: { cause: Exclude<Cause, GenerationCause>; isGift: boolean }) {
  const t = text.value.credits;
  // The credits of a gift go to the account that redeems it.
  const label = cause.kind === "purchase" && isGift ? t.giftPurchase : t.causes[cause.kind];
  return "payment" in cause ? <a href={`/credits/${cause.payment}`}>{label}</a> : label;
}

const withSign = (amount: number) => (amount > 0 ? `+${number(amount)}` : number(amount));
