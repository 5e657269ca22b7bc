/** A virtual grid: of thousands of tiles, only those near the window are rendered. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Schema } from "../../api/client";
import { text } from "../../text";
import type { Listed, Tile } from "./feed";
import { justify, tilesBetween } from "./justified-layout";
import { Thumbnail } from "./thumbnail";

const GAP = 6;
/** The height of a row, in pixels, in narrow and wide windows. */
const ROW_HEIGHT = { narrow: 150, wide: 240 };
/** How far beyond the window tiles are rendered, in heights of the window. */
const OVERSCAN = 1;
/** The space for tiles that are not loaded yet, in heights of the window: the footer stays out of sight until the list ends. */
const RESERVED = 1.5;
/** Tiles of more extreme aspect ratios are cropped to these. */
const RATIO = { min: 0.4, max: 3 };

interface Properties<T extends Listed> {
  tiles: readonly Tile<T>[];
  href: (tile: Tile<T>) => string;
  alt: (tile: Tile<T>) => string;
  /** Returns whether the link to the file is valid; if not, it is being refreshed. */
  isFresh: (tile: Tile<T>) => boolean;
  refresh: (tile: Tile<T>) => void;
  badge?: (tile: Tile<T>) => ComponentChildren;
  /** A button above the tile. */
  action?: (tile: Tile<T>) => ComponentChildren;
  /** Whether all tiles are loaded. */
  ended: boolean;
  /** Called when the person scrolls near the last loaded tile. */
  onNearEnd: () => void;
}

export function Grid<T extends Listed>(properties: Properties<T>) {
  const { tiles, ended, href, alt, isFresh, refresh, badge, action, onNearEnd } = properties;
  const frame = useRef<HTMLUListElement>(null);
  const width = useWidth(frame);
  const layout = useMemo(() => {
    const ratios = tiles.map(({ output: { file } }) =>
      Math.min(RATIO.max, Math.max(RATIO.min, file.width / file.height)),
    );
    return justify(ratios, width, width < 640 ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide, GAP, ended);
  }, [tiles, width, ended]);
  const [from, to] = useVisibleRange(frame, layout.height);
  const [first, end] = tilesBetween(layout.boxes, from, to);
  useEffect(() => {
    if (to + OVERSCAN * innerHeight >= layout.height) onNearEnd();
  }, [to, layout]);
  return (
    <ul
      class={ended ? "grid" : "grid loading-more"}
      ref={frame}
      style={{ blockSize: `${layout.height + (ended ? 0 : RESERVED * innerHeight)}px` }}
      aria-label={text.value.gallery.list}
    >
      {width > 0 &&
        tiles.slice(first, end).map((tile, offset) => {
          const box = layout.boxes[first + offset];
          if (!box) return null;
          const style = {
            insetInlineStart: `${box.left}px`,
            insetBlockStart: `${box.top}px`,
            inlineSize: `${box.width}px`,
            blockSize: `${box.height}px`,
          };
          return (
            <li
              key={tile.key}
              style={style}
              aria-setsize={ended ? tiles.length : -1}
              aria-posinset={first + offset + 1}
            >
              <a class="frame" href={href(tile)} data-tile={tile.key}>
                <Thumbnail
                  media={isFresh(tile) ? tile.output.file : withoutLinks(tile.output.file)}
                  alt={alt(tile)}
                  onStale={() => refresh(tile)}
                />
                {badge?.(tile)}
              </a>
              {action?.(tile)}
            </li>
          );
        })}
    </ul>
  );
}

function withoutLinks(file: Schema["MediaView"]): Schema["MediaView"] {
  return { ...file, url: "", thumbnail_url: null, content_type: "" };
}

function useWidth(frame: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!frame.current) return;
    setWidth(frame.current.clientWidth);
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Returns the part of the grid that is rendered. It changes in steps of half a window, so that scrolling rarely renders. */
function useVisibleRange(frame: { current: HTMLElement | null }, height: number): [number, number] {
  const [step, setStep] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      const top = -(frame.current?.getBoundingClientRect().top ?? 0);
      setStep(Math.floor(top / (innerHeight / 2)));
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [height]);
  const top = step * (innerHeight / 2);
  return [top - OVERSCAN * innerHeight, top + (OVERSCAN + 1.5) * innerHeight];
}
