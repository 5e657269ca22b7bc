import { expect, it } from "vitest";

import defaults from "../../../../../shared/domain/service-texts/default.json";
import { sectionsOf, textOf } from "./terms-format";

it("terms are the same after they were a text", () => {
  for (const language of ["en", "de"] as const) {
    expect(sectionsOf(textOf(defaults.terms[language]))).toEqual(defaults.terms[language]);
  }
});

it("a text has titles, texts of several lines, and lists", () => {
  expect(sectionsOf("# One\nfirst\nsecond\n\n- a\n-  b \n\n# Two\nthird\n")).toEqual([
    { title: "One", text: "first second", items: ["a", "b"] },
    { title: "Two", text: "third" },
  ]);
});

it("what stands before the first title is a section without one", () => {
  expect(sectionsOf("lost\n# One\nfirst")).toEqual([
    { title: "", text: "lost" },
    { title: "One", text: "first" },
  ]);
  expect(sectionsOf(" \n")).toEqual([]);
});
