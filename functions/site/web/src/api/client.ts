/** The API client, typed by the OpenAPI document: an API change that the web client does not follow breaks the build. */
import { signal } from "@preact/signals";
import type { components, paths } from "contract";
import createClient from "openapi-fetch";
import { ApiError, connectionError, errorFromResponse } from "./error";
import { accessToken, refreshAccessToken, session, waitForSignIn } from "./session";

/** The request and response bodies of the API. */
export type Schema = components["schemas"];

/** The shortest delays before each retry, in milliseconds. */
const RETRY_DELAYS_MS = [400, 1_500];
/** The largest part by which a wait is longer at random, so that clients that were refused together do not come back together. */
const JITTER = 0.5;
/** After this time a request counts as slow, in milliseconds. */
const SLOW_MS = 5_000;
/** Statuses of a service that refuses requests, or is unavailable, for a moment. */
const RETRYABLE_STATUSES = [429, 502, 503, 504];
/** The longest time that a request waits because of `Retry-After`, in seconds. */
const RETRY_AFTER_MAX_S = 10;

/** Whether the last request got a response. */
export const reachable = signal(true);
/** The number of slow requests in flight. */
export const slowRequests = signal(0);

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

/** Tells other tabs of this browser that a request has changed something of the account. */
const changes = new BroadcastChannel("changes");

/** Calls `reload` when another tab has changed something of the account, or when the person returns to this tab. */
export function onOutsideChange(reload: () => unknown): () => void {
  const whenVisible = () => {
    if (document.visibilityState === "visible" && session.value === "signed-in") reload();
  };
  const whenChanged = () => {
    if (session.value === "signed-in") reload();
  };
  changes.addEventListener("message", whenChanged);
  document.addEventListener("visibilitychange", whenVisible);
  return () => {
    changes.removeEventListener("message", whenChanged);
    document.removeEventListener("visibilitychange", whenVisible);
  };
}

/** Creates an `Idempotency-Key` header: requests that carry the same key take effect once. */
export const idempotencyHeader = () => ({ header: { "Idempotency-Key": crypto.randomUUID() } });

/** The parameters of a request with an `Idempotency-Key`. */
export type IdempotencyHeader = ReturnType<typeof idempotencyHeader>;

/**
 * Returns the body of a successful response.
 *
 * @throws {ApiError} The response is not successful, or there is none.
 */
export async function unwrap<T>(result: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await result;
  if (!response.ok) throw errorFromResponse(response, error);
  return data as T;
}

async function send(request: Request): Promise<Response> {
  let isSlow = false;
  const timer = setTimeout(() => {
    isSlow = true;
    slowRequests.value++;
  }, SLOW_MS);
  try {
    const response = await sendAuthorized(request);
    if (response.ok && request.headers.has("idempotency-key")) changes.postMessage(null);
    return response;
  } finally {
    clearTimeout(timer);
    if (isSlow) slowRequests.value--;
  }
}

async function sendAuthorized(request: Request): Promise<Response> {
  if (new URL(request.url).pathname.startsWith("/v1/session/")) return sendWithRetries(request);
  if (session.value === "expired") await waitForSignIn();
  const response = await sendWithRetries(request, await accessToken());
  if (response.status !== 401 || session.value === "signed-out") return response;
  const second = await sendWithRetries(request, await refreshAccessToken());
  if (second.status !== 401) return second;
  // An account that is being deleted can read its deletion only: another sign-in would not help.
  if (await isAccountDeleting()) throw new ApiError("account-deleting", 401);
  await waitForSignIn();
  return sendAuthorized(request);
}

async function isAccountDeleting(): Promise<boolean> {
  const token = await accessToken();
  if (token === undefined) return false;
  const response = await fetch("/v1/privacy/deletion", { headers: { authorization: `Bearer ${token}` } });
  return response.ok;
}

/**
 * Returns after how many milliseconds a request is sent again: as `Retry-After` says, and not sooner than `delayMs`. Undefined
 * if its response is final.
 *
 * A write that exceeded a limit of the API has changed nothing, but its error is shown at once: the person can do something
 * about it, such as cancel a job. A 429 without `Retry-After` is of the throttle for all callers together.
 */
function retryWait(request: Request, { status, headers }: Response, delayMs: number): number | undefined {
  if (!RETRYABLE_STATUSES.includes(status)) return undefined;
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  if (Number.isNaN(seconds)) return delayMs;
  if (seconds > RETRY_AFTER_MAX_S || (status === 429 && request.method !== "GET")) return undefined;
  return Math.max(delayMs, seconds * 1000);
}

/**
 * Sends a request. Retries it where a repeat is safe: reads, and requests with an `Idempotency-Key`, of which the API carries
 * out one, whatever became of the attempts before.
 */
async function sendWithRetries(request: Request, token?: string): Promise<Response> {
  const repeatable = request.method === "GET" || request.headers.has("idempotency-key");
  for (const delay of repeatable ? [...RETRY_DELAYS_MS, undefined] : [undefined]) {
    const copy = request.clone();
    if (token !== undefined) copy.headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(copy).catch(() => undefined);
    const wait = delay === undefined || !response ? delay : retryWait(request, response, delay);
    if (response && wait === undefined) {
      reachable.value = true;
      return response;
    }
    request.signal.throwIfAborted();
    if (wait === undefined || !navigator.onLine) break;
    await new Promise((resolve) => setTimeout(resolve, wait * (1 + JITTER * Math.random())));
  }
  reachable.value = false;
  throw connectionError();
}
