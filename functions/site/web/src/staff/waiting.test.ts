import { expect, test } from "vitest";

import type { Review } from "./reviews";
import { waitingByKind } from "./waiting";

test("what waits is counted by kind, the one that has waited longest first", () => {
  const review = (kind: string, at: string) => ({ kind, at }) as unknown as Review;
  const reviews = [review("ticket", "2026-11-03"), review("payment", "2026-11-02"), review("ticket", "2026-11-01")];
  expect(waitingByKind(reviews, (review) => (review as unknown as { at: string }).at)).toEqual([
    { kind: "ticket", count: 2, oldest: "2026-11-01" },
    { kind: "payment", count: 1, oldest: "2026-11-02" },
  ]);
});
