/** The rows of a statement: one for each generation, with what it cost in the end, and one for every other ledger entry. */
import type { LedgerEntry, Statement } from "./statement";

export interface StatementRow {
  key: string;
  /** When the generation was submitted or the entry was written; in the period. */
  at: string;
  /** The cause of the last entry. */
  cause: LedgerEntry["cause"];
  /** Whether it moved credits to or from a gift. */
  isGift: boolean;
  /** How the available credits have changed. */
  amount: number;
  /** The available credits after this row and those before it. */
  balance: number;
}

/**
 * Returns the rows of a whole statement, in the order of their first entries.
 *
 * A generation that spent in this period what was reserved before it has no row: its cost is in the period before.
 */
export function rowsOf({ opening, entries }: Pick<Statement, "opening" | "entries">): StatementRow[] {
  const rows = new Map<string, StatementRow>();
  for (const { id, at, cause, postings } of entries) {
    const key = "generation" in cause ? cause.generation : id;
    const before = rows.get(key);
    const amount = (before?.amount ?? 0) + availableIn(postings);
    if (!before && cause.kind === "settle" && amount === 0) continue;
    const isGift = postings.some(({ bucket }) => bucket === "gifted");
    rows.set(key, { key, at: before?.at ?? at, cause, isGift, amount, balance: 0 });
  }
  let balance = opening.available;
  return [...rows.values()].map((row) => {
    balance += row.amount;
    return { ...row, balance };
  });
}

const availableIn = (postings: LedgerEntry["postings"]) =>
  postings.filter(({ bucket }) => bucket === "available").reduce((sum, { amount }) => sum + amount, 0);
