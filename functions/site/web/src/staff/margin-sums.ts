/** Sums of what models earned and cost. */
import type { Schema } from "../api/client";
import { daysOfMonth } from "./figures-sums";

type Margin = Schema["Margin"];

/** What was earned and what it cost, in millionths of a US dollar. */
export interface Sum {
  name: string;
  generations: number;
  outputs: number;
  credits: number;
  earned: number;
  cost: number;
}

/** Sums up by name, such as the day or the model, in the order in which the names come first. */
export function sumsBy(margins: readonly Margin[], creditMicrousd: number, name: (margin: Margin) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const margin of margins) {
    const sum = sums.get(name(margin)) ?? emptySum(name(margin));
    sum.generations += margin.generations;
    sum.outputs += margin.outputs;
    sum.credits += margin.credits;
    sum.earned += margin.credits * creditMicrousd;
    sum.cost += margin.cost_microusd;
    sums.set(sum.name, sum);
  }
  return [...sums.values()];
}

const emptySum = (name: string): Sum => ({ name, generations: 0, outputs: 0, credits: 0, earned: 0, cost: 0 });

/** Returns the sums of all days of a month such as `2026-11`, also of those without generations. */
export function daysOf(month: string, sums: readonly Sum[]): Sum[] {
  return daysOfMonth(month).map((day) => sums.find(({ name }) => name === day) ?? emptySum(day));
}

/** Returns the last months of UTC, such as `2026-11`, the present one first. */
export function lastMonths(count: number, now: Date): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - index, 1)).toISOString().slice(0, 7),
  );
}
