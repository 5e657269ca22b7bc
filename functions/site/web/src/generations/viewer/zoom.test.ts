import { describe, expect, it } from "vitest";

import { FIT, zoomed } from "./zoom";

describe("zoomed", () => {
  it("keeps the point under the pointer", () => {
    const view = zoomed(FIT, 2, 100, 50);
    expect({ x: view.x + 100 * view.scale, y: view.y + 50 * view.scale }).toEqual({ x: 100, y: 50 });
  });

  it("stays between the fitting view and eight times its size", () => {
    expect(zoomed({ scale: 2, x: 10, y: 10 }, 0.1)).toEqual(FIT);
    expect(zoomed(FIT, 100).scale).toBe(8);
  });
});
