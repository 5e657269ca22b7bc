/**
 * The session: an access token in memory, valid for minutes, and a refresh token in a cookie that scripts cannot read.
 *
 * A refresh needs the CSRF token beside the cookie. The CSRF token is kept in local storage so that a reload or another tab
 * can continue the session; it gives no access by itself.
 */
import { computed, signal } from "@preact/signals";

import type { components } from "contract";
import { ApiError, connectionError, errorFromResponse } from "./error";

type SignedIn = components["schemas"]["SignedIn"];

const CSRF_KEY = "csrf";
/** How long before its expiry an access token is replaced, in milliseconds. */
const EXPIRY_MARGIN_MS = 20_000;

type State =
  | { kind: "starting" }
  /** There was a session, and whether it is still valid cannot be checked now. */
  | { kind: "unreachable" }
  | { kind: "signed-out" }
  | { kind: "signed-in"; account: string }
  /** The session ended while the page was in use: requests wait until the person signs in again. */
  | { kind: "expired"; account: string };

const state = signal<State>({ kind: "starting" });
let token: { text: string; validUntil: number } | undefined;
let pendingRefresh: Promise<string | undefined> | undefined;
let waitingRequests: (() => void)[] = [];

/** The state of the session. */
export const session = computed(() => state.value.kind);
/** Whether a person is signed in, even if the session has expired meanwhile. */
export const isSignedIn = computed(() => state.value.kind === "signed-in" || state.value.kind === "expired");

/** Restores the session of this browser, and follows sign-outs in other tabs. */
export async function startSession(): Promise<void> {
  addEventListener("storage", (event) => {
    if (event.key === CSRF_KEY && event.newValue === null) forgetSession();
  });
  await restoreSession();
}

/** Checks whether this browser has a valid session. */
export async function restoreSession(): Promise<void> {
  state.value = { kind: "starting" };
  let restored: State = { kind: "signed-out" };
  try {
    await refreshAccessToken();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    restored = { kind: "unreachable" };
  }
  if (state.value.kind === "starting") state.value = restored;
}

/** Returns a valid access token, or nothing without a session. */
export async function accessToken(): Promise<string | undefined> {
  if (token && token.validUntil > Date.now()) return token.text;
  if (localStorage.getItem(CSRF_KEY) === null) return undefined;
  return refreshAccessToken();
}

/**
 * Returns a new access token, or nothing if the session has ended. One refresh runs at a time, across all tabs.
 *
 * @throws {ApiError} Whether the session is valid cannot be checked now.
 */
export function refreshAccessToken(): Promise<string | undefined> {
  pendingRefresh ??= refreshWithLock();
  return pendingRefresh;
}

async function refreshWithLock(): Promise<string | undefined> {
  try {
    return await navigator.locks.request("session", refresh);
  } finally {
    pendingRefresh = undefined;
  }
}

async function refresh(): Promise<string | undefined> {
  const csrf = localStorage.getItem(CSRF_KEY);
  if (csrf === null) return undefined;
  const response = await fetch("/v1/session/refresh", { method: "POST", headers: { "x-csrf-token": csrf } }).catch(
    () => undefined,
  );
  if (!response) throw connectionError();
  if (response.ok) return openSession((await response.json()) as SignedIn);
  // A temporary failure says nothing about the session.
  if (response.status === 429 || response.status >= 500)
    throw errorFromResponse(response, await response.json().catch(() => undefined));
  localStorage.removeItem(CSRF_KEY);
  // The access token outlives its session by minutes: an account that is being deleted reads its deletion with it.
  return undefined;
}

/**
 * Opens the session of a sign-in or a refresh, releases the requests that waited for it, and returns the access token.
 *
 * @throws {ApiError} Another account was signed in before: the client starts over.
 */
export function openSession(signedIn: SignedIn): string {
  localStorage.setItem(CSRF_KEY, signedIn.csrf_token);
  if ("account" in state.value && state.value.account !== signedIn.account_id) {
    // Drafts and waiting requests belong to the previous account: the next one must not send them.
    waitingRequests = [];
    sessionStorage.clear();
    location.assign("/");
    throw new ApiError("unauthorized", 401);
  }
  token = {
    text: signedIn.access_token,
    validUntil: Date.now() + signedIn.expires_in_s * 1000 - EXPIRY_MARGIN_MS,
  };
  state.value = { kind: "signed-in", account: signedIn.account_id };
  for (const release of waitingRequests.splice(0)) release();
  return signedIn.access_token;
}

/** Marks the session as expired. Resolves when the person has signed in again; never resolves without a session. */
export function waitForSignIn(): Promise<void> {
  token = undefined;
  if (state.value.kind === "signed-in") state.value = { kind: "expired", account: state.value.account };
  else if (state.value.kind === "starting") state.value = { kind: "signed-out" };
  return new Promise((resolve) => waitingRequests.push(resolve));
}

/** Ends the session in this browser and at the user pool. */
export async function signOut(): Promise<void> {
  const csrf = localStorage.getItem(CSRF_KEY);
  localStorage.removeItem(CSRF_KEY);
  if (csrf !== null) {
    await fetch("/v1/session/sign-out", { method: "POST", headers: { "x-csrf-token": csrf } }).catch(() => undefined);
  }
  forgetSession();
}

function forgetSession(): void {
  token = undefined;
  waitingRequests = [];
  sessionStorage.clear();
  state.value = { kind: "signed-out" };
}
