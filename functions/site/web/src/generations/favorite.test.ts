import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Schema } from "../api/client";
import { loadMessages } from "../text";
import { favoriteOf, isFavorite } from "./favorite";

type Generation = Schema["GenerationView"];

const generation = { id: "a" } as unknown as Generation;
const output = { number: 2, favorite: false };
const sibling = { number: 1, favorite: false };

beforeEach(async () => {
  await loadMessages("en");
});

/** Answers the request for the mark when it is told to. */
function respondLater() {
  let respond: (response: Response) => void = () => {};
  const fetch = vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(() => new Promise((resolve) => (respond = resolve)) as Promise<Response>);
  return { fetch, respond: (body: unknown, status: number) => respond(Response.json(body, { status })) };
}

const toggle = (onChanged: (generation: Generation) => void) => favoriteOf(generation, output, onChanged).toggle();

describe("favorite", () => {
  it("is shown at once, and of one image", async () => {
    const { fetch, respond } = respondLater();
    const onChanged = vi.fn();
    toggle(onChanged);
    expect([isFavorite("a", output), isFavorite("a", sibling)]).toEqual([true, false]);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledOnce());
    const request = fetch.mock.calls[0]?.[0] as Request;
    expect([request.method, new URL(request.url).pathname]).toEqual(["PUT", "/v1/generations/a/outputs/2/favorite"]);
    expect(await request.clone().json()).toEqual({ favorite: true });
    respond({ id: "a" }, 200);
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalledWith({ id: "a" }));
  });

  it("is removed at once", async () => {
    const { fetch, respond } = respondLater();
    const marked = { number: 2, favorite: true };
    const onChanged = vi.fn();
    favoriteOf(generation, marked, onChanged).toggle();
    expect(isFavorite("a", marked)).toBe(false);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledOnce());
    respond({ id: "a" }, 200);
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalledOnce());
  });

  it("is as before if it could not be stored", async () => {
    const { fetch, respond } = respondLater();
    const onChanged = vi.fn();
    toggle(onChanged);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledOnce());
    respond({ type: "urn:darkroom:problem:not-found", title: "no", status: 404 }, 404);
    await vi.waitFor(() => expect(isFavorite("a", output)).toBe(false));
    expect(onChanged).not.toHaveBeenCalled();
  });

  it("is not changed again while a change is being stored", async () => {
    const { fetch, respond } = respondLater();
    const onChanged = vi.fn();
    toggle(onChanged);
    toggle(onChanged);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledOnce());
    respond({ id: "a" }, 200);
    await vi.waitFor(() => expect(onChanged).toHaveBeenCalledOnce());
    expect(fetch).toHaveBeenCalledOnce();
  });
});
