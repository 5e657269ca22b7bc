import { describe, expect, it } from "vitest";

import type { LedgerEntry } from "./statement";
import { usageBars } from "./usage-chart";

const DAY_MS = 86_400_000;
const TO = Date.parse("2026-03-31T12:00:00Z");

const spend = (daysAgo: number, amount: number) =>
  ({
    at: new Date(TO - daysAgo * DAY_MS).toISOString(),
    cause: { kind: "settle" },
    postings: [
      { bucket: "held", amount: -amount },
      { bucket: "spent", amount },
    ],
  }) as unknown as LedgerEntry;

describe("usageBars", () => {
  it("count every spent credit once", () => {
    const bars = usageBars([spend(20, 3), spend(1, 2), spend(1, 5)], 0, TO);
    expect(bars.reduce((sum, { spent }) => sum + spent, 0)).toBe(10);
    expect(bars.map(({ spent }) => spent).filter(Boolean)).toEqual([3, 7]);
  });

  it("cover four weeks at least and fit on a phone at most", () => {
    expect(usageBars([spend(0, 1)], 0, TO).length).toBeGreaterThanOrEqual(28);
    expect(usageBars([spend(700, 1)], 0, TO).length).toBeLessThanOrEqual(62);
  });
});
