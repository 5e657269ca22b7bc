import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { api, idempotencyHeader, reachable, unwrap } from "./client";
import { ApiError } from "./error";

const PROBLEM = {
  type: "urn:darkroom:problem:rate-limited",
  title: "Too many requests",
  status: 429,
  retry_after: 12,
  errors: [{ field: "email", rule: "must be an email address" }],
};

/** Answers the requests one after the other; `undefined` is no response. */
function respond(...responses: (Response | undefined)[]) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    const response = responses.shift();
    if (!response) throw new TypeError("network error");
    return response;
  });
}

async function failure(request: Promise<unknown>): Promise<ApiError> {
  const settled = request.then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  const error = await settled;
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

const read = () => unwrap(api.GET("/v1/packages"));
const write = (params: object) =>
  unwrap(api.POST("/v1/session/sign-in", { body: { email: "a@example.com", password: "p" }, ...params }));

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => vi.useRealTimers());

describe("errors of the API", () => {
  it("carry the type of the problem, its fields and when to retry", async () => {
    respond(Response.json(PROBLEM, { status: 429, headers: { "retry-after": "12" } }));
    const error = await failure(read());
    expect(error).toMatchObject({ type: "rate-limited", status: 429, problem: { retry_after: 12 } });
    expect([error.hasField("email"), error.hasField("password")]).toEqual([true, false]);
  });

  it("have a type without problem details", async () => {
    const statuses = [
      [401, "unauthorized"],
      [429, "rate-limited"],
      [500, "internal"],
      [404, "unreachable"],
    ] as const;
    for (const [status, type] of statuses) {
      respond(Response.json({}, { status }));
      expect((await failure(write({}))).type).toBe(type);
    }
  });

  it("tell offline from a service that does not respond", async () => {
    respond();
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    expect(await failure(read())).toMatchObject({ type: "offline", status: 0 });
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(true);
    expect(await failure(read())).toMatchObject({ type: "unreachable", status: 0 });
    expect(reachable.value).toBe(false);
  });
});

describe("retries", () => {
  it("repeat a read until the service responds", async () => {
    const fetch = respond(
      undefined,
      Response.json({}, { status: 503 }),
      Response.json({ packages: [], providers: [] }),
    );
    const result = read();
    await vi.runAllTimersAsync();
    expect(await result).toEqual({ packages: [], providers: [] });
    expect(fetch).toHaveBeenCalledTimes(3);
    expect(reachable.value).toBe(true);
  });

  it("wait as long as a limit says before a read is repeated", async () => {
    const limited = () => Response.json(PROBLEM, { status: 429, headers: { "retry-after": "7" } });
    const fetch = respond(limited(), Response.json({ packages: [], providers: [] }));
    const result = read();
    await vi.advanceTimersByTimeAsync(6_900);
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.runAllTimersAsync();
    expect(await result).toEqual({ packages: [], providers: [] });
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it("wait as long as a busy service says, also before a write with a key is repeated", async () => {
    for (const request of [read, () => write({ params: idempotencyHeader() })]) {
      const fetch = respond(Response.json({}, { status: 503, headers: { "retry-after": "2" } }), Response.json({}));
      const result = request();
      await vi.advanceTimersByTimeAsync(1_900);
      expect(fetch).toHaveBeenCalledTimes(1);
      await vi.advanceTimersByTimeAsync(200);
      expect(fetch).toHaveBeenCalledTimes(2);
      await result;
      fetch.mockRestore();
    }
  });

  it("have waits of their own if a refused request is not told when to try again", async () => {
    const untold: Record<string, string>[] = [{}, { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }];
    for (const request of [read, () => write({ params: idempotencyHeader() })]) {
      for (const headers of untold) {
        const throttled = () => Response.json({ message: "Too Many Requests" }, { status: 429, headers });
        const fetch = respond(throttled(), throttled(), Response.json({}));
        const result = request();
        await vi.advanceTimersByTimeAsync(300);
        expect(fetch).toHaveBeenCalledTimes(1);
        await vi.advanceTimersByTimeAsync(200);
        expect(fetch).toHaveBeenCalledTimes(2);
        await vi.runAllTimersAsync();
        await result;
        expect(fetch).toHaveBeenCalledTimes(3);
        fetch.mockRestore();
      }
    }
  });

  it("are spread, so that clients that were refused together do not come back together", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const fetch = respond(Response.json({}, { status: 503, headers: { "retry-after": "2" } }), Response.json({}));
    const result = read();
    await vi.advanceTimersByTimeAsync(2_400);
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(fetch).toHaveBeenCalledTimes(2);
    await result;
  });

  it("are not sooner than without a response", async () => {
    const fetch = respond(Response.json({}, { status: 429, headers: { "retry-after": "0" } }), Response.json({}));
    const result = read();
    await vi.advanceTimersByTimeAsync(300);
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.runAllTimersAsync();
    await result;
  });

  it("say at once that a limit lasts long, or stops a write", async () => {
    const limited = (seconds: string, status = 429) =>
      Response.json(PROBLEM, { status, headers: { "retry-after": seconds } });
    for (const status of [429, 503]) {
      const reads = respond(limited("60", status));
      await failure(read());
      expect(reads).toHaveBeenCalledTimes(1);
      reads.mockRestore();
    }
    const writes = respond(limited("1"));
    expect((await failure(write({ params: idempotencyHeader() }))).type).toBe("rate-limited");
    expect(writes).toHaveBeenCalledTimes(1);
  });

  it("give up after three attempts", async () => {
    const fetch = respond();
    await failure(read());
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it("do not repeat a write without a key", async () => {
    for (const response of [undefined, Response.json({}, { status: 429 }), Response.json({}, { status: 503 })]) {
      const fetch = respond(response);
      await failure(write({}));
      expect(fetch).toHaveBeenCalledTimes(1);
      fetch.mockRestore();
    }
  });

  it("repeat a write with one and the same key", async () => {
    const fetch = respond();
    await failure(write({ params: idempotencyHeader() }));
    const keys = fetch.mock.calls.map(([request]) => (request as Request).headers.get("idempotency-key"));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });
});
