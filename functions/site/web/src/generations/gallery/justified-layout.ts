/** A justified grid: rows of one height, filled to the edge, in the order of the list. */

/** Where a tile lies, in pixels from the start of the grid. */
export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The whole grid: a place for each ratio (width by height), and how high all of it is. */
export interface Layout {
  places: Place[];
  height: number;
}

/**
 * Lays tiles of these ratios out in rows of about `target` pixels. What does not fill the last row has a place only when the
 * list has `ended`; before that it waits for what comes, so that nothing ever moves.
 *
 * In time linear in the number of tiles: 5,000 take a few milliseconds.
 */
export function justify(ratios: readonly number[], width: number, target: number, gap: number, ended: boolean): Layout {
  const places: Place[] = [];
  let top = 0;
  let start = 0;
  let sum = 0;
  const close = (end: number, height: number) => {
    let left = 0;
    for (let index = start; index < end; index++) {
      const tile = (ratios[index] ?? 1) * height;
      places.push({ left, top, width: tile, height });
      left += tile + gap;
    }
    top += height + gap;
    start = end;
    sum = 0;
  };
  for (const [index, ratio] of ratios.entries()) {
    sum += ratio;
    const height = (width - gap * (index - start)) / sum;
    if (height <= target) close(index + 1, height);
  }
  if (ended && start < ratios.length)
    close(ratios.length, Math.min(target, (width - gap * (ratios.length - 1 - start)) / sum));
  return { places, height: Math.max(0, top - gap) };
}

/** The first and the last tile that lie between two heights, by bisection: tops never fall along the list. */
export function between(places: readonly Place[], from: number, to: number): [number, number] {
  const first = lowest(places.length, (index) => (places[index]?.top ?? 0) + (places[index]?.height ?? 0) >= from);
  const end = lowest(places.length, (index) => (places[index]?.top ?? 0) > to);
  return [first, end];
}

function lowest(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
