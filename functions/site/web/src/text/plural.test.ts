import { expect, it } from "vitest";

import { pluralizer } from "./plural";

it("picks the form of each plural category that a language has", () => {
  const plural = pluralizer("pl");
  const forms = { one: "plik", few: "pliki", many: "plików", other: "pliku" };
  expect([1, 2, 5, 22].map((count) => plural(count, forms))).toEqual(["1 plik", "2 pliki", "5 plików", "22 pliki"]);
});

it("falls back to the form for other counts", () => {
  expect(pluralizer("pl")(5, { other: "plik(i)" })).toBe("5 plik(i)");
});
