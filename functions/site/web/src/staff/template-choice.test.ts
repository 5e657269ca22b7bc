import { expect, test } from "vitest";

import { service } from "../service";
import { fill } from "./template-choice";

test("placeholders are filled wherever they stand, and nothing else changes", () => {
  service.value = { name: "Lichtbild" };
  expect(fill("{service}: {ticket}, {ticket} {other}", "t-1")).toBe("Lichtbild: t-1, t-1 {other}");
});
