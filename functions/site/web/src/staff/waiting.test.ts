import { expect, test } from "vitest";

import type { Review } from "./reviews";
import { waitingByKind } from "./waiting";

test("what waits is counted by kind, the one that has waited longest first", () => {
  const review = (kind: string, time: object) => ({ kind, ...time }) as unknown as Review;
  const reviews = [
    review("ticket", { since: "2026-11-03" }),
    review("payment", { at: "2026-11-02" }),
    review("ticket", { since: "2026-11-01" }),
  ];
  expect(waitingByKind(reviews)).toEqual([
    { kind: "ticket", count: 2, oldest: "2026-11-01" },
    { kind: "payment", count: 1, oldest: "2026-11-02" },
  ]);
});
