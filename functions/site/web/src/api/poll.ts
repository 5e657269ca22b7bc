/** The waits of a poll: requests for a state that are repeated until it changes. */

/** How many times longer each wait is than the one before. */
const GROWTH = 1.5;

/** Returns the milliseconds to wait after `waits` other waits: the first is `firstMs`, and none is longer than `longestMs`. */
export const growingWait = (waits: number, firstMs: number, longestMs: number): number =>
  Math.min(firstMs * GROWTH ** waits, longestMs);
