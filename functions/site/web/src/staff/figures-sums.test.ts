import { expect, test } from "vitest";

import type { Schema } from "../api/client";
import { byDay, currencies, daysOfMonth, failures, providers } from "./figures-sums";

type DailySum = Schema["DailySum"];

const sum = (part: Partial<DailySum>): DailySum => ({
  day: "2026-11-02",
  kind: "succeeded",
  detail: "",
  provider: "",
  count: 1,
  credits: 0,
  amount: 0,
  timed: 0,
  milliseconds: 0,
  ...part,
});

test("days without sums count nothing", () => {
  const days = daysOfMonth("2026-02");
  expect(days.length).toBe(28);
  const sums = [sum({ day: "2026-02-02", count: 2 }), sum({ day: "2026-02-02", kind: "failed", count: 3 })];
  expect(byDay(days, sums, ["succeeded"]).slice(0, 3)).toEqual([0, 2, 0]);
  expect(byDay(days, sums, ["succeeded", "failed"])[1]).toBe(5);
});

test("reasons of failures are counted over providers and days, the most frequent first", () => {
  const failed = (detail: string, provider: string, count: number) => sum({ kind: "failed", detail, provider, count });
  const sums = [failed("rejected", "fal", 1), failed("internal", "fal", 2), failed("internal", "openai", 2), sum({})];
  expect(failures(sums)).toEqual([
    { reason: "internal", count: 4 },
    { reason: "rejected", count: 1 },
  ]);
});

test("a provider is not blamed for prompts that it refuses, and its time is the mean of what has one", () => {
  const sums = [
    sum({ provider: "fal", count: 4, timed: 2, milliseconds: 10_000 }),
    sum({ provider: "fal", kind: "failed", detail: "deadline_passed", count: 1 }),
    sum({ provider: "fal", kind: "failed", detail: "rejected", count: 9 }),
    sum({ provider: "openai", count: 9 }),
    sum({ kind: "canceled", count: 7 }),
  ];
  expect(providers(sums)).toEqual([
    { provider: "openai", succeeded: 9, failed: 0, meanMs: undefined },
    { provider: "fal", succeeded: 4, failed: 1, meanMs: 5_000 },
  ]);
});

test("currencies come in the order of their payments", () => {
  const sold = (detail: string, count: number) => sum({ kind: "sold", detail, count });
  expect(currencies([sold("EUR", 1), sold("USD", 3), sum({ kind: "returned", detail: "JPY" }), sum({})])).toEqual([
    "USD",
    "EUR",
    "JPY",
  ]);
});
