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

it("text has paragraphs, and a line after a line of a list goes on with it", () => {
  const text = "# One\nfirst\ngoes on\n\nsecond\n- a\nand more\n- b";
  const sections = [{ title: "One", text: "first goes on\nsecond", items: ["a and more", "b"] }];
  expect(sectionsOf(text)).toEqual(sections);
  expect(sectionsOf(textOf(sections))).toEqual(sections);
});

it("a paragraph after a list has no place", () => {
  expect(sectionsOf("# One\nfirst\n- a\n\nbut\nnot this\n# Two\nsecond")).toEqual([
    { title: "One", text: "first", items: ["a"] },
    { title: "", text: "but not this" },
    { title: "Two", text: "second" },
  ]);
});

it("what stands before the first title is a section without one", () => {
  expect(sectionsOf("lost\n# One\nfirst")).toEqual([
    { title: "", text: "lost" },
    { title: "One", text: "first" },
  ]);
  expect(sectionsOf(" \n")).toEqual([]);
});
