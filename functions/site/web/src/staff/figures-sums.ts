/** The figures of a month, from the sums of its days. */
import type { Schema } from "../api/client";

type DailySum = Schema["DailySum"];
type Kind = DailySum["kind"];

/** Returns the days of a month such as `2026-11`. */
export function daysOfMonth(month: string): string[] {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length }, (_, index) => `${month}-${String(index + 1).padStart(2, "0")}`);
}

/** Returns what these kinds add up to on each day. */
export function byDay(
  days: readonly string[],
  sums: readonly DailySum[],
  kinds: readonly Kind[],
  value: (sum: DailySum) => number = ({ count }) => count,
): number[] {
  return days.map((day) => total(sums.filter((sum) => sum.day === day && kinds.includes(sum.kind)).map(value)));
}

export const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Returns why generations failed, the most frequent reason first. */
export function failures(sums: readonly DailySum[]): { reason: string; count: number }[] {
  const failed = sums.filter(({ kind }) => kind === "failed");
  const reasons = [...new Set(failed.map(({ detail }) => detail))];
  const counted = reasons.map((reason) => ({
    reason,
    count: total(failed.filter(({ detail }) => detail === reason).map(({ count }) => count)),
  }));
  return counted.sort((a, b) => b.count - a.count);
}

export interface ProviderFigures {
  provider: string;
  succeeded: number;
  failed: number;
  /** The mean time from calling it to its files. */
  meanMs: number | undefined;
}

/** Reasons for which the provider is not to blame. */
const NOT_OF_PROVIDER = ["rejected", "invalid_input", "blocked", "unchecked", "input_missing"];

/** Returns how the providers did, the busiest one first. */
export function providers(sums: readonly DailySum[]): ProviderFigures[] {
  const names = [...new Set(sums.map(({ provider }) => provider).filter(Boolean))];
  const figures = names.map((provider) => {
    const own = sums.filter((sum) => sum.provider === provider);
    const count = (of: (sum: DailySum) => boolean) => total(own.filter(of).map(({ count }) => count));
    const timed = total(own.map(({ timed }) => timed));
    return {
      provider,
      succeeded: count(({ kind }) => kind === "succeeded"),
      failed: count(({ kind, detail }) => kind === "failed" && !NOT_OF_PROVIDER.includes(detail)),
      meanMs: timed > 0 ? total(own.map(({ milliseconds }) => milliseconds)) / timed : undefined,
    };
  });
  return figures.sort((a, b) => b.succeeded + b.failed - a.succeeded - a.failed);
}

/** Returns the currencies in which money came or went, the one with most payments first. */
export function currencies(sums: readonly DailySum[]): string[] {
  const money = sums.filter(({ kind }) => kind === "sold" || kind === "returned");
  const payments = (currency: string) =>
    total(money.filter(({ detail }) => detail === currency).map(({ count }) => count));
  return [...new Set(money.map(({ detail }) => detail))].sort((a, b) => payments(b) - payments(a));
}
