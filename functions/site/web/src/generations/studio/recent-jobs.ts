/** What was asked for lately, followed until it has ended. */
import { effect, signal } from "@preact/signals";

import { load as loadAccount } from "../../accounts/account";
import { api, ask, once, type Schema } from "../../api/client";
import { Trouble } from "../../api/error";
import { session } from "../../api/session";

type Generation = Schema["GenerationView"];

/** How many are shown. */
const SHOWN = 12;
/** How often those that have not ended are asked for, in milliseconds: the second for those that take long. */
const ASK_EVERY_MS = [1_200, 4_000] as const;
/** From when on something takes long, in milliseconds. */
const LONG_MS = 30_000;

/** The newest first; nothing before they are known. */
export const recent = signal<Generation[] | undefined>(undefined);
/** Why they are not known, if that is so. */
export const trouble = signal<Trouble | undefined>(undefined);

effect(() => {
  if (session.value === "none") recent.value = undefined;
});

/** Whether it is still being made. */
export const isGoing = ({ status }: Generation) => status === "queued" || status === "running";

/** Asks for them. What has ended since the last time moves credits. */
export async function load(): Promise<void> {
  try {
    const going = new Set((recent.value ?? []).filter(isGoing).map(({ id }) => id));
    const page = await ask(api.GET("/v1/generations", { params: { query: { limit: SHOWN } } }));
    recent.value = page.items;
    trouble.value = undefined;
    if (page.items.some((item) => going.has(item.id) && !isGoing(item))) await loadAccount();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    trouble.value = error;
  }
}

/** Asks for them again and again while something is being made. Stops with what it returns. */
export function follow(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = effect(() => {
    clearTimeout(timer);
    const going = (recent.value ?? []).filter(isGoing);
    if (going.length === 0) return;
    const newest = Math.max(...going.map(({ created_at }) => Date.parse(created_at)));
    // What could not be asked is asked again.
    timer = setTimeout(load, ASK_EVERY_MS[trouble.value || Date.now() - newest > LONG_MS ? 1 : 0]);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

/** Puts in what was submitted just now. */
export function add(generation: Generation): void {
  recent.value = [generation, ...(recent.value ?? []).filter(({ id }) => id !== generation.id)].slice(0, SHOWN);
}

/** Takes one back before it ends. What ended meanwhile is shown as it is. */
export async function cancel(id: string): Promise<void> {
  let canceled: Generation;
  try {
    canceled = await ask<Generation>(api.POST("/v1/generations/{id}/cancel", { params: { path: { id }, ...once() } }));
  } catch (error) {
    if (error instanceof Trouble && error.kind === "conflict") return load();
    throw error;
  }
  recent.value = (recent.value ?? []).map((item) => (item.id === id ? canceled : item));
  await loadAccount();
}

/** Seconds that the model took lately, in the middle; nothing if it is not known. */
export function usual(model: string): number | undefined {
  const took = (recent.value ?? [])
    .filter(({ settings, status, ended_at }) => settings.model === model && status === "succeeded" && ended_at)
    .map(({ created_at, ended_at }) => (Date.parse(ended_at ?? "") - Date.parse(created_at)) / 1000)
    .sort((a, b) => a - b);
  return took[Math.floor(took.length / 2)];
}
