import { expect, test } from "vitest";

import { fill } from "./template-choice";

test("placeholders are filled wherever they stand, and nothing else changes", () => {
  expect(fill("{service}: {ticket}, {ticket} {other}", "t-1")).toBe("Darkroom: t-1, t-1 {other}");
});
