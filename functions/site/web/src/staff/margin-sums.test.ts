import { describe, expect, it } from "vitest";

import { daysOf, lastMonths, sumsBy } from "./margin-sums";

const margin = (day: string, model: string, credits: number, cost_microusd: number) => ({
  day,
  model,
  generations: 1,
  outputs: 2,
  credits,
  cost_microusd,
});
const MARGINS = [
  margin("2026-02-03", "a", 4, 10_000),
  margin("2026-02-03", "b", 1, 90_000),
  margin("2026-02-28", "a", 6, 20_000),
];

describe("sums", () => {
  it("count every generation once, by model and by day", () => {
    expect(sumsBy(MARGINS, 16_000, ({ model }) => model)).toEqual([
      { name: "a", generations: 2, outputs: 4, credits: 10, earned: 160_000, cost: 30_000 },
      { name: "b", generations: 1, outputs: 2, credits: 1, earned: 16_000, cost: 90_000 },
    ]);
    const byDay = sumsBy(MARGINS, 16_000, ({ day }) => day);
    expect(byDay.map(({ name, earned, cost }) => [name, earned, cost])).toEqual([
      ["2026-02-03", 80_000, 100_000],
      ["2026-02-28", 96_000, 20_000],
    ]);
  });

  it("have every day of the month", () => {
    const days = daysOf(
      "2026-02",
      sumsBy(MARGINS, 16_000, ({ day }) => day),
    );
    expect(days).toHaveLength(28);
    expect(days.filter(({ generations }) => generations > 0).map(({ name }) => name)).toEqual([
      "2026-02-03",
      "2026-02-28",
    ]);
  });
});

it("the last months go back over the turn of a year", () => {
  expect(lastMonths(3, new Date("2026-01-31T23:59:59Z"))).toEqual(["2026-01", "2025-12", "2025-11"]);
});
