/** A justified grid: rows of one height that fill the width, in the order of the list. */

/** The position and size of a tile, in pixels from the start of the grid. */
export interface TileBox {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The boxes of the tiles, and the height of the grid. */
export interface Layout {
  boxes: TileBox[];
  height: number;
}

/**
 * Lays out tiles of these aspect ratios (width by height) in rows of at most `rowHeight` pixels. The last row has boxes only
 * when the list has `ended` or the row is full: until then it waits for more tiles, so that no tile ever moves.
 *
 * Takes time linear in the number of tiles: a few milliseconds for 5,000.
 */
export function justify(
  ratios: readonly number[],
  width: number,
  rowHeight: number,
  gap: number,
  ended: boolean,
): Layout {
  const boxes: TileBox[] = [];
  let top = 0;
  let start = 0;
  let sum = 0;
  const close = (end: number, height: number) => {
    let left = 0;
    for (let index = start; index < end; index++) {
      const tile = (ratios[index] ?? 1) * height;
      boxes.push({ left, top, width: tile, height });
      left += tile + gap;
    }
    top += height + gap;
    start = end;
    sum = 0;
  };
  for (const [index, ratio] of ratios.entries()) {
    sum += ratio;
    const height = (width - gap * (index - start)) / sum;
    if (height <= rowHeight) close(index + 1, height);
  }
  if (ended && start < ratios.length)
    close(ratios.length, Math.min(rowHeight, (width - gap * (ratios.length - 1 - start)) / sum));
  return { boxes, height: Math.max(0, top - gap) };
}

/** Returns the first tile and the end of the tiles between two heights, by bisection: tops never decrease along the list. */
export function tilesBetween(boxes: readonly TileBox[], from: number, to: number): [number, number] {
  const first = firstIndex(boxes.length, (index) => (boxes[index]?.top ?? 0) + (boxes[index]?.height ?? 0) >= from);
  const end = firstIndex(boxes.length, (index) => (boxes[index]?.top ?? 0) > to);
  return [first, end];
}

function firstIndex(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
