/** What waits, by kind. */
import { type Review, since } from "./reviews";

export interface Waiting {
  kind: Review["kind"];
  count: number;
  /** Since when the one that came first has waited. */
  oldest: string;
}

/** Counts what waits by kind, the kind that has waited longest first. */
export function waitingByKind(reviews: readonly Review[]): Waiting[] {
  const kinds = new Map<Review["kind"], Waiting>();
  for (const review of reviews) {
    const at = since(review);
    const { count, oldest } = kinds.get(review.kind) ?? { count: 0, oldest: at };
    kinds.set(review.kind, { kind: review.kind, count: count + 1, oldest: [at, oldest].sort()[0] ?? at });
  }
  return [...kinds.values()].sort((a, b) => a.oldest.localeCompare(b.oldest));
}
