import { describe, expect, it } from "vitest";

import { decode, encode } from "./passkey";

describe("base64url", () => {
  it("is without padding and with its own characters", () => {
    expect(encode(Uint8Array.from([251, 255, 254, 1]).buffer)).toBe("-__-AQ");
  });

  it("is decoded to the same bytes, whatever their number", () => {
    for (const text of ["", "AA", "AAE", "AAEC", "-__-AQ"]) expect(encode(decode(text).buffer)).toBe(text);
  });
});
