import { describe, expect, it } from "vitest";

import { rowsOf } from "./rows";
import type { LedgerEntry } from "./statement";

type Cause = LedgerEntry["cause"];
type Bucket = LedgerEntry["postings"][number]["bucket"];

let last = 0;

/** Creates an entry that moves credits from a bucket to another one. */
function entry(cause: Cause, ...moves: [Bucket, Bucket, number][]): LedgerEntry {
  const postings = moves.flatMap(([from, to, amount]) => [
    { bucket: from, amount: -amount },
    { bucket: to, amount },
  ]);
  const id = String(++last);
  return {
    id,
    at: `2026-01-01T00:00:${id.padStart(2, "0")}Z`,
    cause,
    postings,
    balance_after: { available: 0, held: 0 },
  };
}

const reserve = (generation: string, amount: number) =>
  entry({ kind: "reserve", generation }, ["available", "held", amount]);
const settle = (generation: string, spent: number, refunded = 0) =>
  entry(
    { kind: "settle", generation },
    ...([
      ["held", "spent", spent],
      ["held", "available", refunded],
    ] as [Bucket, Bucket, number][]),
  );
const release = (generation: string, amount: number) =>
  entry({ kind: "release", generation }, ["held", "available", amount]);
const purchase = (amount: number) =>
  entry({ kind: "purchase", payment: "p" } as Cause, ["bought", "available", amount]);

const rows = (entries: LedgerEntry[]) =>
  rowsOf({ opening: { available: 100, held: 0 }, entries }).map(({ cause, amount, balance }) => [
    cause.kind,
    amount,
    balance,
  ]);

describe("rowsOf", () => {
  it("has one row for each generation, with what it cost in the end", () => {
    const entries = [reserve("a", 8), reserve("b", 5), settle("a", 8), purchase(50), release("b", 5)];
    expect(rows(entries)).toEqual([
      ["settle", -8, 92],
      ["release", 0, 92],
      ["purchase", 50, 142],
    ]);
  });

  it("counts the refund of a part", () => {
    expect(rows([reserve("a", 8), settle("a", 6, 2)])).toEqual([["settle", -6, 94]]);
  });

  it("has a row for each purchase, and for a generation that has not ended", () => {
    expect(rows([purchase(5), purchase(5), reserve("a", 8)])).toEqual([
      ["purchase", 5, 105],
      ["purchase", 5, 110],
      ["reserve", -8, 102],
    ]);
  });

  it("counts of a generation of the period before only what came back", () => {
    expect(rows([settle("a", 8), settle("b", 3, 1), release("c", 4)])).toEqual([
      ["settle", 1, 101],
      ["release", 4, 105],
    ]);
  });
});
