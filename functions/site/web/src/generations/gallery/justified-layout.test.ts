import { describe, expect, it } from "vitest";

import { justify, tilesBetween } from "./justified-layout";

const WIDTH = 1000;
const ROW = 200;
const GAP = 10;
const RATIOS = Array.from({ length: 103 }, (_, index) => [1, 16 / 9, 9 / 16, 3][index % 4] ?? 1);

describe("justify", () => {
  it("fills every full row to the edge, at most as high as a row", () => {
    const { boxes } = justify(RATIOS, WIDTH, ROW, GAP, false);
    const lastOfRow = boxes.filter(({ top }, index) => boxes[index + 1]?.top !== top);
    expect(lastOfRow.length).toBeGreaterThan(10);
    for (const { left, width, height } of lastOfRow) {
      expect(left + width).toBeCloseTo(WIDTH, 6);
      expect(height).toBeLessThanOrEqual(ROW);
    }
  });

  it("keeps the aspect ratio of each tile", () => {
    const { boxes } = justify(RATIOS, WIDTH, ROW, GAP, true);
    for (const [index, { width, height }] of boxes.entries()) expect(width / height).toBeCloseTo(RATIOS[index] ?? 0, 6);
  });

  it("moves no tile when more arrive", () => {
    const before = justify(RATIOS.slice(0, 50), WIDTH, ROW, GAP, false).boxes;
    const after = justify(RATIOS, WIDTH, ROW, GAP, true).boxes;
    expect(after.slice(0, before.length)).toEqual(before);
  });

  it("lays out an incomplete last row only when the list has ended", () => {
    expect(justify([1, 1], WIDTH, ROW, GAP, false)).toEqual({ boxes: [], height: 0 });
    expect(justify([1, 1], WIDTH, ROW, GAP, true).boxes.map(({ left }) => left)).toEqual([0, ROW + GAP]);
  });

  it("has no height without tiles", () => {
    expect(justify([], WIDTH, ROW, GAP, true)).toEqual({ boxes: [], height: 0 });
  });
});

describe("tilesBetween", () => {
  it("returns exactly the tiles that overlap the range", () => {
    const { boxes, height } = justify(RATIOS, WIDTH, ROW, GAP, true);
    for (let from = -300; from < height + 300; from += 37) {
      const [first, end] = tilesBetween(boxes, from, from + 400);
      const overlapping = boxes.filter(({ top, height }) => top + height >= from && top <= from + 400);
      expect(boxes.slice(first, end)).toEqual(overlapping);
    }
  });
});
