/** Zoom and pan of one picture, by wheel, pinch, drag, double click and keys. */
import { useRef, useState } from "preact/hooks";

/** How much larger, and how far from the middle in pixels. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 };
const MOST = 8;

/** Zooms by a factor around a point, given from the middle of the stage. */
export function zoomed(view: View, factor: number, x = 0, y = 0): View {
  const scale = Math.min(MOST, Math.max(1, view.scale * factor));
  if (scale === 1) return WHOLE;
  const change = scale / view.scale;
  return { scale, x: x - (x - view.x) * change, y: y - (y - view.y) * change };
}

/** Follows the pointers on the stage; `key` names the picture, another one begins whole. */
export function useZoom(key: string) {
  const [state, put] = useState({ key, view: WHOLE });
  const view = state.key === key ? state.view : WHOLE;
  const set = (change: (view: View) => View) =>
    put((state) => ({ key, view: change(state.key === key ? state.view : WHOLE) }));
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const fromMiddle = (event: MouseEvent) => {
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
    const [x, y] = fromMiddle(event);
    if (other) {
      const distance = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y);
      set((view) => zoomed(view, distance(now) / Math.max(1, distance(before)), x, y));
    } else {
      set((view) =>
        view.scale === 1 ? view : { ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y },
      );
    }
  };
  const lift = (event: PointerEvent) => pointers.current.delete(event.pointerId);
  const stage = {
    onWheel: (event: WheelEvent) => {
      event.preventDefault();
      const [x, y] = fromMiddle(event);
      set((view) => zoomed(view, Math.exp(-event.deltaY / 400), x, y));
    },
    onDblClick: (event: MouseEvent) => {
      const [x, y] = fromMiddle(event);
      set((view) => (view.scale > 1 ? WHOLE : zoomed(view, 2.5, x, y)));
    },
    onPointerDown: (event: PointerEvent) =>
      pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY }),
    onPointerMove,
    onPointerUp: lift,
    onPointerCancel: lift,
    onPointerLeave: lift,
  };
  return { view, stage, zoom: (factor: number) => set((view) => zoomed(view, factor)), whole: () => set(() => WHOLE) };
}
