import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Schema } from "../../api/client";
import { safeName, upload } from "./upload";

/** Stores any file. */
class StoringRequest {
  status = 200;
  upload = {};
  onload?: () => void;
  open() {}
  send() {
    this.onload?.();
  }
}

describe("safeName", () => {
  it.each([
    ["holiday.jpg", "holiday.jpg"],
    ["new\nline.jpg", "new line.jpg"],
    ["", null],
    ["\ud83d.jpg", "\ufffd.jpg"],
  ])("%j becomes %j", (name, safe) => expect(safeName(name)).toBe(safe));

  it("keeps 200 whole characters", () => {
    expect(safeName(`a${"😀".repeat(300)}`)).toBe(`a${"😀".repeat(199)}`);
  });
});

describe("upload", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    vi.spyOn(crypto.subtle, "digest").mockResolvedValue(new ArrayBuffer(32));
    vi.stubGlobal("XMLHttpRequest", StoringRequest);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  /** Uploads a file whose inspection has these results, one after the other. Returns when each is requested. */
  async function inspectionRequests(results: Schema["UploadStatus"][]): Promise<[Promise<string>, number[]]> {
    const times: number[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (request) => {
      if ((request as Request).method === "POST")
        return Response.json({ id: "a", put: { method: "PUT", headers: [] } });
      times.push(Date.now());
      return Response.json({ state: results.length > 1 ? results.shift() : results[0] });
    });
    const file = new File(["pixels"], "cat.jpg", { type: "image/jpeg" });
    const uploaded = upload(file, () => undefined, new AbortController().signal);
    uploaded.catch(() => undefined);
    await vi.runAllTimersAsync();
    return [uploaded, times];
  }

  it("asks for the result of a long inspection less and less often", async () => {
    const [uploaded, times] = await inspectionRequests([...Array(7).fill({ status: "pending" }), { status: "ready" }]);
    expect(await uploaded).toBe("a");
    const waits = times.slice(1).map((time, index) => Math.floor((time - (times[index] ?? 0)) / 100) / 10);
    expect(waits).toEqual([0.7, 1, 1.5, 2.3, 3.5, 5, 5]);
  });

  it("gives up after two minutes", async () => {
    const [uploaded, times] = await inspectionRequests([{ status: "pending" }]);
    await expect(uploaded).rejects.toMatchObject({ type: "upload-failed" });
    expect(times.at(-1)).toBeLessThan(120_000);
  });
});
