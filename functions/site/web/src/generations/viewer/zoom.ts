/** Zoom and pan of an image, with wheel, pinch, drag, double click and keys, and swipes to the next one. */
import { useRef, useState } from "preact/hooks";

/** The scale, and the offset from the centre in pixels. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export const FIT: View = { scale: 1, x: 0, y: 0 };
const MAX_SCALE = 8;

/** Returns a view zoomed by a factor around a point, which is relative to the centre of the stage. */
export function zoomed(view: View, factor: number, x = 0, y = 0): View {
  const scale = Math.min(MAX_SCALE, Math.max(1, view.scale * factor));
  if (scale === 1) return FIT;
  const change = scale / view.scale;
  return { scale, x: x - (x - view.x) * change, y: y - (y - view.y) * change };
}

/** The least length of a swipe, in pixels. */
const SWIPE_PX = 48;

/** Returns 1 for a swipe towards the next image, which comes from the right, -1 towards the previous one, 0 for neither. */
export function swipeOf(start: { x: number; y: number }, end: { x: number; y: number }): -1 | 0 | 1 {
  const [x, y] = [end.x - start.x, end.y - start.y];
  if (Math.abs(x) < SWIPE_PX || Math.abs(x) < 1.5 * Math.abs(y)) return 0;
  return x < 0 ? 1 : -1;
}

/** Zooms and pans with the pointers on the stage, and reports swipes of one finger. Another `key`, which identifies the image, starts at the fitting view. */
export function useZoom(key: string, onSwipe: (by: -1 | 1) => void) {
  const [state, setState] = useState({ key, view: FIT });
  const view = state.key === key ? state.view : FIT;
  const update = (change: (view: View) => View) =>
    setState((state) => ({ key, view: change(state.key === key ? state.view : FIT) }));
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const fromCentre = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2] as const;
  };
  const onPointerMove = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    if (!before) return;
    const others = [...pointers.current].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    const now = { x: event.clientX, y: event.clientY };
    pointers.current.set(event.pointerId, now);
    const [other] = others;
    const [x, y] = fromCentre(event);
    if (other) {
      const distance = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y);
      update((view) => zoomed(view, distance(now) / Math.max(1, distance(before)), x, y));
    } else {
      update((view) =>
        view.scale === 1 ? view : { ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y },
      );
    }
  };
  /** Where the one finger on the stage began that may be a swipe. */
  const swipe = useRef<{ x: number; y: number } | undefined>(undefined);
  const onPointerDown = (event: PointerEvent) => {
    const point = { x: event.clientX, y: event.clientY };
    pointers.current.set(event.pointerId, point);
    const mayBe = event.pointerType === "touch" && pointers.current.size === 1 && view.scale === 1;
    swipe.current = mayBe ? point : undefined;
  };
  const onPointerUp = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    const by = swipe.current ? swipeOf(swipe.current, { x: event.clientX, y: event.clientY }) : 0;
    swipe.current = undefined;
    if (by !== 0) onSwipe(by);
  };
  const release = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    swipe.current = undefined;
  };
  const stage = {
    onWheel: (event: WheelEvent) => {
      event.preventDefault();
      const [x, y] = fromCentre(event);
      update((view) => zoomed(view, Math.exp(-event.deltaY / 400), x, y));
    },
    onDblClick: (event: MouseEvent) => {
      const [x, y] = fromCentre(event);
      update((view) => (view.scale > 1 ? FIT : zoomed(view, 2.5, x, y)));
    },
    onPointerDown,
    onPointerMove,
    onPointerUp,
    onPointerCancel: release,
    onPointerLeave: release,
  };
  return {
    view,
    stage,
    zoom: (factor: number) => update((view) => zoomed(view, factor)),
    fit: () => update(() => FIT),
  };
}
