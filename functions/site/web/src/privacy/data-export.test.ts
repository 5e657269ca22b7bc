import { h, render } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { loadMessages } from "../text";
import { DataExport } from "./data-export";

const root = document.createElement("div");

beforeEach(async () => {
  await loadMessages("en");
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  render(null, root);
  vi.useRealTimers();
});

test("an export is followed less and less often until it is ready, and the next one from the start", async () => {
  let times: number[] = [];
  let status = "building";
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    times.push(Date.now());
    const at = new Date().toISOString();
    const progress = { files: 0, files_total: 1, bytes: 0, bytes_total: 1 };
    return Response.json({ items: [{ id: "a", status, progress, requested_at: at, due_at: at }] });
  });
  render(h(DataExport, {}), root);
  await vi.advanceTimersByTimeAsync(64_000);
  const waits = () => times.slice(1).map((time, index) => Math.floor((time - (times[index] ?? 0)) / 100) / 10);
  expect(waits()).toEqual([2.5, 3.7, 5.6, 8.4, 12.6, 15, 15]);
  status = "ready";
  await vi.advanceTimersByTimeAsync(100_000);
  expect(times).toHaveLength(9);
  status = "building";
  root.querySelector("button")?.click();
  times = [];
  await vi.advanceTimersByTimeAsync(7_000);
  // The request for the export, the list, and the list again.
  expect(waits()).toEqual([0, 2.5, 3.7]);
});
