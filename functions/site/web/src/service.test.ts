import { expect, it } from "vitest";

import { fileName } from "./service";

it("names files after the service, in characters that every file system takes", () => {
  expect(fileName("Darkroom")).toBe("darkroom");
  expect(fileName('Ada & "Co"/..')).toBe("ada-co");
  expect(fileName("暗室")).toBe("download");
});
