import { expect, it } from "vitest";

import { csv } from "./csv";

it("quotes separators and disarms formulas", () => {
  expect(csv([["a", 'say "no", please', "=1+1"]])).toBe(`a,"say ""no"", please",'=1+1\r\n`);
});
