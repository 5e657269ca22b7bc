/**
 * The session: an access token that lives in memory for minutes, and a refresh token in a cookie that no script reads.
 *
 * Beside the cookie a refresh needs the CSRF token. That is the one thing of the session that is kept in the browser's
 * storage, so that a reload or another tab can go on; by itself it opens nothing.
 */
import { computed, signal } from "@preact/signals";

import type { components } from "contract";
import { silence, Trouble, troubleOf } from "./error";

type SignedIn = components["schemas"]["SignedIn"];

const CSRF = "csrf";
/** So long before it ends a token is not used any more, in milliseconds. */
const MARGIN_MS = 20_000;

type State =
  | { kind: "starting" }
  /** There was one, and whether there still is cannot be found out now. */
  | { kind: "unreached" }
  | { kind: "none" }
  | { kind: "open"; account: string }
  /** It ended while the person was at work: what they do waits until they have signed in again. */
  | { kind: "expired"; account: string };

const state = signal<State>({ kind: "starting" });
let token: { text: string; until: number } | undefined;
let renewal: Promise<string | undefined> | undefined;
let waiting: (() => void)[] = [];

/** Whether there is a session, and whether it has ended under the person's hands. */
export const session = computed(() => state.value.kind);
/** Whose it is. */
export const accountId = computed(() => ("account" in state.value ? state.value.account : undefined));

/** Takes up the session that this browser has, if it has one. */
export async function start(): Promise<void> {
  addEventListener("storage", (event) => {
    if (event.key === CSRF && event.newValue === null) forget();
  });
  addEventListener("online", () => {
    if (state.value.kind === "unreached") void takeUp();
  });
  await takeUp();
}

/** Looks whether there still is a session. */
export async function takeUp(): Promise<void> {
  state.value = { kind: "starting" };
  let found: State = { kind: "none" };
  try {
    await renew();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    found = { kind: "unreached" };
  }
  if (state.value.kind === "starting") state.value = found;
}

/** The access token to send now; nothing without a session. */
export async function accessToken(): Promise<string | undefined> {
  if (token && token.until > Date.now()) return token.text;
  if (localStorage.getItem(CSRF) === null) return undefined;
  return renew();
}

/**
 * Another access token, whatever the present one is; nothing if the session has ended. One renewal at a time, across all
 * tabs.
 *
 * @throws {Trouble} It cannot be found out now.
 */
export function renew(): Promise<string | undefined> {
  renewal ??= renewAlone();
  return renewal;
}

async function renewAlone(): Promise<string | undefined> {
  try {
    return await navigator.locks.request("session", renewNow);
  } finally {
    renewal = undefined;
  }
}

async function renewNow(): Promise<string | undefined> {
  const csrf = localStorage.getItem(CSRF);
  if (csrf === null) return undefined;
  const answer = await fetch("/v1/session/refresh", { method: "POST", headers: { "x-csrf-token": csrf } }).catch(
    () => undefined,
  );
  if (!answer) throw silence();
  if (answer.ok) return open((await answer.json()) as SignedIn);
  // What passes says nothing about the session.
  if (answer.status === 429 || answer.status >= 500)
    throw troubleOf(answer, await answer.json().catch(() => undefined));
  localStorage.removeItem(CSRF);
  // The access token outlives its session by minutes: an account that is being deleted still opens its deletion with it.
  return undefined;
}

/**
 * Takes what a sign-in or a renewal gave, and lets go on what waited for it.
 *
 * @throws {Trouble} It is somebody else's than the one who was here: the client begins anew for them.
 */
export function open(signedIn: SignedIn): string {
  localStorage.setItem(CSRF, signedIn.csrf_token);
  if ("account" in state.value && state.value.account !== signedIn.account_id) {
    // What was typed or waits is of the person who was here before: somebody else must not send it.
    waiting = [];
    sessionStorage.clear();
    location.assign("/");
    throw new Trouble("unauthorized", 401);
  }
  token = { text: signedIn.access_token, until: Date.now() + signedIn.expires_in_s * 1000 - MARGIN_MS };
  state.value = { kind: "open", account: signedIn.account_id };
  for (const go of waiting.splice(0)) go();
  return signedIn.access_token;
}

/** The session has ended. Resolves once the person has signed in again; without a session that ended, never. */
export function expire(): Promise<void> {
  token = undefined;
  if (state.value.kind === "open") state.value = { kind: "expired", account: state.value.account };
  else if (state.value.kind === "starting") state.value = { kind: "none" };
  return new Promise((resolve) => waiting.push(resolve));
}

/** Ends the session, here and at the user pool. */
export async function signOut(): Promise<void> {
  const csrf = localStorage.getItem(CSRF);
  localStorage.removeItem(CSRF);
  if (csrf !== null) {
    await fetch("/v1/session/sign-out", { method: "POST", headers: { "x-csrf-token": csrf } }).catch(() => undefined);
  }
  forget();
}

function forget(): void {
  token = undefined;
  waiting = [];
  sessionStorage.clear();
  state.value = { kind: "none" };
}
