/** The API, by the types of its OpenAPI document: a change of it that this client does not follow breaks the build. */
import { signal } from "@preact/signals";
import type { components, paths } from "contract";
import createClient from "openapi-fetch";
import { silence, Trouble, troubleOf } from "./error";
import { accessToken, expire, renew, session } from "./session";

/** The bodies of the API. */
export type Schema = components["schemas"];

/** Pauses before a request is sent once more, in milliseconds. */
const PAUSES_MS = [400, 1_500];
/** From here on a request is slow, in milliseconds. */
const SLOW_MS = 5_000;
/** What a server that is not there for a moment answers. */
const PASSING = [502, 503, 504];

/** Whether the API could be reached the last time. */
export const reachable = signal(true);
/** Requests that take longer than usual. */
export const slow = signal(0);

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

/** A new `Idempotency-Key`: what is sent again with it happens once. */
export const once = () => ({ header: { "Idempotency-Key": crypto.randomUUID() } });

/**
 * The body of an answer.
 *
 * @throws {Trouble} It was no success, or there was none.
 */
export async function ask<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw troubleOf(response, error);
  return data as T;
}

async function send(request: Request): Promise<Response> {
  let counted = false;
  const timer = setTimeout(() => {
    counted = true;
    slow.value++;
  }, SLOW_MS);
  try {
    return await authorized(request);
  } finally {
    clearTimeout(timer);
    if (counted) slow.value--;
  }
}

async function authorized(request: Request): Promise<Response> {
  if (new URL(request.url).pathname.startsWith("/v1/session/")) return deliver(request);
  if (session.value === "expired") await expire();
  const answer = await deliver(request, await accessToken());
  if (answer.status !== 401 || session.value === "none") return answer;
  const again = await deliver(request, await renew());
  if (again.status !== 401) return again;
  // An account that is being deleted opens nothing but its deletion: to sign in again would not help.
  if (await isClosing()) throw new Trouble("closing", 401);
  await expire();
  return authorized(request);
}

async function isClosing(): Promise<boolean> {
  const token = await accessToken();
  if (token === undefined) return false;
  const answer = await fetch("/v1/privacy/deletion", { headers: { authorization: `Bearer ${token}` } });
  return answer.ok;
}

/** Sends a request, again too where that changes nothing: what only reads, and what carries an `Idempotency-Key`. */
async function deliver(request: Request, token?: string): Promise<Response> {
  const repeatable = request.method === "GET" || request.headers.has("idempotency-key");
  for (const pause of repeatable ? [...PAUSES_MS, undefined] : [undefined]) {
    const copy = request.clone();
    if (token !== undefined) copy.headers.set("authorization", `Bearer ${token}`);
    const answer = await fetch(copy).catch(() => undefined);
    if (answer && (pause === undefined || !PASSING.includes(answer.status))) {
      reachable.value = true;
      return answer;
    }
    request.signal.throwIfAborted();
    if (pause === undefined || !navigator.onLine) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  reachable.value = false;
  throw silence();
}
