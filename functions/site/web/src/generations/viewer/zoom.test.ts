import { describe, expect, it } from "vitest";

import { FIT, swipeOf, zoomed } from "./zoom";

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

describe("swipeOf", () => {
  const check = (x: number, y: number, expected: number) =>
    expect(swipeOf({ x: 200, y: 200 }, { x, y })).toBe(expected);

  it("goes to the next image to the left, and to the previous one to the right", () => {
    check(100, 210, 1);
    check(300, 190, -1);
  });

  it("leaves taps and vertical drags alone", () => {
    check(200, 200, 0);
    check(170, 200, 0);
    check(140, 90, 0);
  });
});
