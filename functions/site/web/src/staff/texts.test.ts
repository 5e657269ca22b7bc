import { expect, it } from "vitest";

import defaults from "../../../../../shared/domain/service-texts/default.json";
import { parse } from "./texts";

it("texts have everything that the form shows, and what is missing is named", () => {
  expect(parse(defaults)).toEqual(defaults);
  expect(parse({ ...defaults, contact: undefined })).toBe("contact");
  expect(parse({ ...defaults, accent: { light: "#000000" } })).toBe("accent.dark");
  expect(parse({ ...defaults, terms: { ...defaults.terms, de: [{ title: "Worum es geht" }] } })).toBe("terms.de");
  for (const broken of [null, [], 7, {}]) expect(parse(broken)).toBe("name");
});
