import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Schema } from "../../api/client";
import {
  addJob,
  estimateProgress,
  isInFlight,
  loadRecentJobs,
  pollRecentJobs,
  recentJobs,
  usualDuration,
} from "./recent-jobs";

type Generation = Schema["GenerationView"];

const START = Date.parse("2026-01-01T00:00:00Z");

function generation(id: string, status: Generation["status"], seconds = 0, model = "sketch"): Generation {
  const ended_at = seconds ? new Date(START + seconds * 1000).toISOString() : null;
  const created_at = new Date(START).toISOString();
  return { id, status, settings: { model }, created_at, ended_at } as unknown as Generation;
}

/** Answers requests for the list with a body, and those for the account with a problem. */
const respondWith = (body: unknown, status = 200) =>
  vi.spyOn(globalThis, "fetch").mockImplementation(async (request) => {
    const isList = (request as Request).url.includes("/v1/generations");
    return isList ? Response.json(body, { status }) : Response.json({}, { status: 404 });
  });

beforeEach(() => {
  recentJobs.value = undefined;
  vi.useFakeTimers({ now: START });
});
afterEach(() => vi.useRealTimers());

describe("recent jobs", () => {
  it("have a submitted generation first, and once", () => {
    addJob(generation("a", "queued"));
    addJob(generation("b", "queued"));
    addJob(generation("a", "running"));
    expect(recentJobs.value?.map(({ id, status }) => [id, status])).toEqual([
      ["a", "running"],
      ["b", "queued"],
    ]);
  });

  it("are limited to twelve", () => {
    for (let id = 0; id < 20; id++) addJob(generation(String(id), "succeeded"));
    expect(recentJobs.value).toHaveLength(12);
  });

  it("are polled until none is in flight", async () => {
    const fetch = respondWith({ items: [generation("a", "succeeded", 3)] });
    addJob(generation("a", "running"));
    const stop = pollRecentJobs();
    await vi.advanceTimersByTimeAsync(10_000);
    const lists = fetch.mock.calls.filter(([request]) => (request as Request).url.includes("/v1/generations?"));
    expect(lists).toHaveLength(1);
    expect(recentJobs.value?.every((job) => !isInFlight(job))).toBe(true);
    stop();
  });

  it("are asked for when the API says so, and less often while requests fail", async () => {
    const fetch = respondWith({ items: [{ ...generation("a", "running"), poll_after_s: 4 }] });
    addJob(generation("a", "running"));
    const stop = pollRecentJobs();
    const asked = () =>
      fetch.mock.calls.filter(([request]) => (request as Request).url.includes("/v1/generations?")).length;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(3_900);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked()).toBe(2);
    fetch.mockImplementation(async () => Response.json({}, { status: 500 }));
    await vi.advanceTimersByTimeAsync(60_000);
    // After 4, 6, 9, 13.5 and 20.25 seconds.
    expect(asked()).toBe(7);
    stop();
  });

  it("keep what is known when a request fails", async () => {
    addJob(generation("a", "running"));
    respondWith({ type: "urn:darkroom:problem:internal", title: "", status: 500 }, 500);
    await loadRecentJobs();
    expect(recentJobs.value).toHaveLength(1);
  });
});

describe("the progress of a job", () => {
  it("is estimated with the median of the same model", () => {
    recentJobs.value = [
      generation("a", "succeeded", 2),
      generation("b", "succeeded", 4),
      generation("c", "succeeded", 90),
      generation("d", "failed", 500),
      generation("e", "succeeded", 700, "clip"),
    ];
    expect(usualDuration("sketch")).toBe(4);
    expect(usualDuration("other")).toBeUndefined();
  });

  it("grows and never reaches the end while the job runs", () => {
    const parts = [0, 1, 5, 60, 3600].map((elapsed) => estimateProgress(elapsed, 10));
    expect(parts).toEqual([...parts].sort((a, b) => a - b));
    expect(parts[0]).toBe(0);
    expect(Math.round(100 * (parts.at(-1) ?? 1))).toBeLessThan(100);
  });
});
