import { describe, expect, it } from "vitest";

import { safeName } from "./upload";

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
