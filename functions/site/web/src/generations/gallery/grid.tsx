/** The grid: of thousands of tiles only those near the window exist. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { text } from "../../text";
import type { Listed, Tile } from "./feed";
import { between, justify } from "./justified-layout";
import { Picture } from "./thumbnail";

const GAP = 6;
/** How high a row is at least wanted, in pixels, for narrow and wide windows. */
const ROW = { narrow: 150, wide: 240 };
/** How far beyond the window tiles exist, in windows. */
const BEYOND = 1;
/** Room for what is still to come, in windows: what stands below stays out of sight until the list has ended. */
const RUNWAY = 1.5;
/** Ratios outside are cut to these: a row of one sliver helps nobody. */
const RATIO = { least: 0.4, most: 3 };

interface Properties<T extends Listed> {
  tiles: readonly Tile<T>[];
  href: (tile: Tile<T>) => string;
  alt: (tile: Tile<T>) => string;
  /** Whether the link to its file can be used; if not, it is being renewed. */
  isFresh: (tile: Tile<T>) => boolean;
  renew: (tile: Tile<T>) => void;
  badge?: (tile: Tile<T>) => ComponentChildren;
  /** Whether there are no more than these. */
  ended: boolean;
  /** Called when the end of what there is comes near. */
  onNearEnd: () => void;
}

export function Grid<T extends Listed>({ tiles, ended, href, alt, isFresh, renew, badge, onNearEnd }: Properties<T>) {
  const frame = useRef<HTMLUListElement>(null);
  const width = useWidth(frame);
  const layout = useMemo(() => {
    const ratios = tiles.map(({ media }) => Math.min(RATIO.most, Math.max(RATIO.least, media.width / media.height)));
    return justify(ratios, width, width < 640 ? ROW.narrow : ROW.wide, GAP, ended);
  }, [tiles, width, ended]);
  const [from, to] = useSight(frame, layout.height);
  const [first, end] = between(layout.places, from, to);
  useEffect(() => {
    if (to + BEYOND * innerHeight >= layout.height) onNearEnd();
  }, [to, layout]);
  return (
    <ul
      class={ended ? "grid" : "grid endless"}
      ref={frame}
      style={{ blockSize: `${layout.height + (ended ? 0 : RUNWAY * innerHeight)}px` }}
      aria-label={text.value.gallery.grid}
    >
      {width > 0 &&
        tiles.slice(first, end).map((tile, offset) => {
          const place = layout.places[first + offset];
          if (!place) return null;
          const style = {
            insetInlineStart: `${place.left}px`,
            insetBlockStart: `${place.top}px`,
            inlineSize: `${place.width}px`,
            blockSize: `${place.height}px`,
          };
          return (
            <li
              key={tile.key}
              style={style}
              aria-setsize={ended ? tiles.length : -1}
              aria-posinset={first + offset + 1}
            >
              <a class="frame" href={href(tile)} data-tile={tile.key}>
                <Picture
                  media={isFresh(tile) ? tile.media : withoutLinks(tile.media)}
                  alt={alt(tile)}
                  onStale={() => renew(tile)}
                />
                {badge?.(tile)}
              </a>
            </li>
          );
        })}
    </ul>
  );
}

function withoutLinks(media: Tile<Listed>["media"]): Tile<Listed>["media"] {
  return { ...media, url: "", thumbnail_url: null, content_type: "" };
}

function useWidth(frame: { current: HTMLElement | null }): number {
  const [width, set] = useState(0);
  useLayoutEffect(() => {
    if (!frame.current) return;
    set(frame.current.clientWidth);
    const observer = new ResizeObserver(([entry]) => set(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** The part of the grid in which tiles exist. It moves in steps of half a window, so that scrolling seldom renders. */
function useSight(frame: { current: HTMLElement | null }, height: number): [number, number] {
  const [step, set] = useState(0);
  useLayoutEffect(() => {
    const look = () => {
      const top = -(frame.current?.getBoundingClientRect().top ?? 0);
      set(Math.floor(top / (innerHeight / 2)));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [height]);
  const top = step * (innerHeight / 2);
  return [top - BEYOND * innerHeight, top + (BEYOND + 1.5) * innerHeight];
}
