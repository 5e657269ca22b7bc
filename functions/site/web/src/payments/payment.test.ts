import { h, render } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { loadMessages } from "../text";
import { Payment } from "./payment";

const root = document.createElement("div");

beforeEach(async () => {
  await loadMessages("en");
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  render(null, root);
  vi.useRealTimers();
});

test("an open payment is loaded less and less often, and from the start when asked to", async () => {
  let times: number[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    times.push(Date.now());
    return Response.json({ provider: "stripe", status: "pending", refunds: [] });
  });
  const waits = () => times.slice(1).map((time, index) => Math.floor((time - (times[index] ?? 0)) / 100) / 10);
  render(h(Payment, { id: "a" }), root);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(waits()).toEqual([2, 3, 4.5, 6.7, 10, 10, 10]);
  await vi.advanceTimersByTimeAsync(100_000);
  expect(times.at(-1)).toBeLessThan(135_000);
  times = [];
  root.querySelector("button")?.click();
  await vi.advanceTimersByTimeAsync(6_000);
  expect(waits()).toEqual([2, 3]);
});
