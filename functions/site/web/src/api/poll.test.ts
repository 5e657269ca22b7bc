import { expect, test } from "vitest";

import { growingWait } from "./poll";

test("waits begin short and grow up to the longest", () => {
  const waits = Array.from({ length: 7 }, (_, before) => growingWait(before, 2_000, 10_000));
  expect(waits).toEqual([2_000, 3_000, 4_500, 6_750, 10_000, 10_000, 10_000]);
  expect(growingWait(100_000, 2_000, 10_000)).toBe(10_000);
});
