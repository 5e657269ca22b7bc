/** The most recent generations, polled until they end. */
import { effect, signal } from "@preact/signals";

import { loadAccount } from "../../accounts/account";
import { api, idempotencyHeader, onOutsideChange, type Schema, unwrap } from "../../api/client";
import { ApiError } from "../../api/error";
import { growingWait } from "../../api/poll";
import { session } from "../../api/session";

type Generation = Schema["GenerationView"];

/** The number of generations that are shown. */
const SHOWN = 12;
/** The longest wait before running generations are loaded again when requests fail, in milliseconds. */
const POLL_LONGEST_MS = 60_000;

/** The most recent generations, newest first; undefined before they are loaded. */
export const recentJobs = signal<Generation[] | undefined>(undefined);
/** Why they could not be loaded. */
export const recentJobsError = signal<ApiError | undefined>(undefined);

/** The requests that failed since the last successful one. */
let failures = 0;

effect(() => {
  if (session.value === "signed-out") recentJobs.value = undefined;
});

/** Returns whether a generation has not ended. */
export const isInFlight = ({ status }: Generation) =>
  status === "queued" || status === "running" || status === "canceling";

/** Loads the most recent generations, and the account if one of them has ended, which changes its credits. */
export async function loadRecentJobs(): Promise<void> {
  try {
    const inFlight = new Set((recentJobs.value ?? []).filter(isInFlight).map(({ id }) => id));
    const page = await unwrap(api.GET("/v1/generations", { params: { query: { limit: SHOWN } } }));
    recentJobs.value = page.items;
    recentJobsError.value = undefined;
    failures = 0;
    if (page.items.some((item) => inFlight.has(item.id) && !isInFlight(item))) await loadAccount();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    failures++;
    recentJobsError.value = error;
  }
}

/**
 * Loads the generations while one of them is in flight, when the API says so and less often while requests fail, and when another
 * tab changes something. Returns a function that stops it.
 */
export function pollRecentJobs(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = effect(() => {
    clearTimeout(timer);
    const inFlight = (recentJobs.value ?? []).filter(isInFlight);
    if (inFlight.length === 0) return;
    const soonestMs = 1000 * Math.min(...inFlight.map(({ poll_after_s }) => poll_after_s ?? 1));
    const waits = recentJobsError.value ? failures : 0;
    timer = setTimeout(loadRecentJobs, growingWait(waits, soonestMs, POLL_LONGEST_MS));
  });
  const ignoreTabs = onOutsideChange(loadRecentJobs);
  return () => {
    stop();
    clearTimeout(timer);
    ignoreTabs();
  };
}

/** Adds a generation that was just submitted. */
export function addJob(generation: Generation): void {
  const others = (recentJobs.value ?? []).filter(({ id }) => id !== generation.id);
  recentJobs.value = [generation, ...others].slice(0, SHOWN);
}

/** Replaces a generation that was changed. */
export function replaceJob(changed: Generation): void {
  recentJobs.value = (recentJobs.value ?? []).map((item) => (item.id === changed.id ? changed : item));
}

/** Cancels a generation. If it has ended meanwhile, loads what became of it. */
export async function cancelJob(id: string): Promise<void> {
  const params = { path: { id }, ...idempotencyHeader() };
  let canceled: Generation;
  try {
    canceled = await unwrap<Generation>(api.POST("/v1/generations/{id}/cancel", { params }));
  } catch (error) {
    if (error instanceof ApiError && error.type === "conflict") return loadRecentJobs();
    throw error;
  }
  replaceJob(canceled);
  await loadAccount();
}

/** Returns the median duration of the recent generations of a model, in seconds; undefined if there are none. */
export function usualDuration(model: string): number | undefined {
  const durations = (recentJobs.value ?? [])
    .filter(({ settings, status, ended_at }) => settings.model === model && status === "succeeded" && ended_at)
    .map(({ created_at, ended_at }) => (Date.parse(ended_at ?? "") - Date.parse(created_at)) / 1000)
    .sort((a, b) => a - b);
  return durations[Math.floor(durations.length / 2)];
}

/**
 * Estimates the progress of a generation, from 0 to below 1. It slows down towards the end, which is not known: a
 * generation that runs is never shown as complete.
 */
export function estimateProgress(elapsedS: number, usualS: number): number {
  return 0.95 * (1 - Math.exp(-1.6 * (elapsedS / Math.max(usualS, 1))));
}
