import { describe, expect, it } from "vitest";

import type { Schema } from "../api/client";
import { creditsBuy } from "./offer";

const model = (kind: "image" | "video", credits: number, durations_ms: number[] = []) =>
  ({ kind, credits, durations_ms }) as unknown as Schema["ModelView"];

describe("creditsBuy", () => {
  it("counts images and videos at the prices of the default models", () => {
    const models = [model("image", 1), model("image", 9), model("video", 2, [4000, 8000])];
    expect(creditsBuy(200, models)).toEqual({ images: 200, videos: 25, seconds: 4 });
    expect(creditsBuy(210, [model("image", 4), model("video", 10, [5000])])).toEqual({
      images: 52,
      videos: 4,
      seconds: 5,
    });
  });

  it("says nothing where there are no models for both", () => {
    expect(creditsBuy(200, [model("image", 1)])).toBeUndefined();
  });
});
