/** An image or a video in the size of the window, with keys for the previous and the next one of the list. */
import "./viewer.css";

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError } from "../../api/error";
import { goBack, navigate, query } from "../../router";
import { fileName, service } from "../../service";
import { text } from "../../text";
import { showModal } from "../../ui/dialog";
import { Icon, type IconName } from "../../ui/icon";
import { Empty, Loading } from "../../ui/states";
import { showToast, Toasts } from "../../ui/toasts";
import { type FavoriteMark, starOf } from "../favorite";
import { type Feed, keyOf, type Listed, type Tile } from "../gallery/feed";
import { Placeholder } from "../gallery/thumbnail";
import { useZoom } from "./zoom";

/** The least time between two refreshes of a link to a file that does not load, in milliseconds. */
const REFRESH_INTERVAL_MS = 60_000;
/** How much one press of a zoom button changes the scale. */
const ZOOM_STEP = 1.4;
/** How many tiles before the end of the list the next page is loaded. */
const LOAD_AHEAD = 4;

interface Properties<T extends Listed> {
  feed: Feed<T>;
  tiles: readonly Tile<T>[];
  id: string;
  href: (tile: Tile<T>) => string;
  /** The path of the list. */
  listPath: string;
  /** Loads a generation that the list has not loaded yet. */
  load?: () => Promise<T>;
  /** The name for screen readers. */
  name: (item: T) => string;
  /** What stands beside an image or a video, or beside what became of a generation that has none. */
  details?: (item: T, output: T["outputs"][number] | undefined, onChanged: (item: T) => void) => ComponentChildren;
  /** Says why an item has no images or videos. */
  outcome?: (item: T) => string;
  /** Returns the mark of an image or a video of the account. */
  favorite?: (item: T, output: T["outputs"][number], onChanged: (item: T) => void) => FavoriteMark;
  onRemove?: (item: T, output: T["outputs"][number] | undefined) => void;
}

export function Viewer<T extends Listed>(properties: Properties<T>) {
  const { tiles, id, href, listPath, onRemove, favorite, details, outcome } = properties;
  const dialog = useRef<HTMLDialogElement>(null);
  const wanted = query.value.get("n");
  const isWanted = ({ number }: { number: number }) => wanted === null || String(number) === wanted;
  const position = tiles.findIndex(({ item, output }) => item.id === id && isWanted(output));
  const { tile, item, error, setItem, refresh } = useTile(properties, position, isWanted);
  const zoom = useZoom(`${id}:${wanted}`, (by) => move(isRightToLeft() ? -by : by));
  const [detailsOpen, setDetailsOpen] = useState(true);
  useEffect(() => showModal(dialog.current), []);
  const move = (by: number) => {
    const next = tiles[position + by];
    if (position >= 0 && next) navigate(href(next), "replace");
    if (position + by + LOAD_AHEAD > tiles.length) void properties.feed.loadMore();
  };
  const isClosing = useRef(false);
  const close = async (then?: () => void) => {
    if (isClosing.current) return;
    isClosing.current = true;
    await goBack(listPath);
    then?.();
  };
  const remove = onRemove && item ? () => void close(() => onRemove(item, tile?.output)) : undefined;
  const mark = tile && favorite?.(tile.item, tile.output, setItem);
  const beside = item && details?.(item, tile?.output, setItem);
  const zoomIn = () => zoom.zoom(ZOOM_STEP);
  const zoomOut = () => zoom.zoom(1 / ZOOM_STEP);
  useShortcuts({
    ArrowRight: () => move(isRightToLeft() ? -1 : 1),
    ArrowLeft: () => move(isRightToLeft() ? 1 : -1),
    "+": zoomIn,
    "-": zoomOut,
    0: zoom.fit,
    f: mark?.toggle,
    Delete: remove,
  });
  const t = text.value.viewer;
  return (
    <dialog
      class="viewer"
      ref={dialog}
      autofocus
      tabindex={-1}
      aria-label={t.label}
      onCancel={(event) => {
        event.preventDefault();
        void close();
      }}
    >
      <div class="viewer-bar">
        <ToolButton icon="close" label={t.close} onPress={() => void close()} />
        <span class="viewer-count" role="status">
          {position >= 0 && t.position(position + 1, tiles.length)}
        </span>
        <ToolButton icon="zoomOut" label={t.zoomOut} onPress={zoomOut} />
        <ToolButton icon="zoomIn" label={t.zoomIn} onPress={zoomIn} />
        <ToolButton icon="zoomFit" label={t.zoomFit} onPress={zoom.fit} />
        {tile && <ToolButton icon="download" label={t.download} onPress={() => void download(tile, properties.load)} />}
        {mark && (
          <ToolButton
            icon={starOf(mark)}
            label={text.value.gallery.favorite}
            onPress={mark.toggle}
            pressed={mark.marked}
          />
        )}
        {remove && <ToolButton icon="trash" label={t.delete} onPress={remove} />}
        {beside && (
          <ToolButton
            icon="info"
            label={t.details}
            onPress={() => setDetailsOpen(!detailsOpen)}
            pressed={detailsOpen}
          />
        )}
      </div>
      {/* Unless it is zoomed, a vertical drag scrolls to the details on a phone. */}
      <div class="viewer-stage" style={{ touchAction: zoom.view.scale === 1 ? "pan-y" : "none" }} {...zoom.stage}>
        {error ? (
          <Empty title={t.unavailable} />
        ) : item && !tile ? (
          <Empty title={outcome?.(item) ?? t.unavailable} />
        ) : tile ? (
          <Media tile={tile} name={properties.name(tile.item)} view={zoom.view} onStale={refresh} />
        ) : (
          <Loading />
        )}
      </div>
      <button
        type="button"
        class="viewer-arrow previous"
        aria-label={t.previous}
        disabled={position <= 0}
        onClick={() => move(-1)}
      >
        <Icon name="previous" />
      </button>
      <button
        type="button"
        class="viewer-arrow next"
        aria-label={t.next}
        disabled={position < 0 || position >= tiles.length - 1}
        onClick={() => move(1)}
      >
        <Icon name="next" />
      </button>
      {detailsOpen && beside && <aside class="viewer-details">{beside}</aside>}
      <p class="visually-hidden">{t.shortcuts}</p>
      <Toasts />
    </dialog>
  );
}

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

const isRightToLeft = () => document.documentElement.dir === "rtl";

/** Calls an action when its key is pressed outside of a field. */
function useShortcuts(actions: Record<string, (() => void) | undefined>): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    // On the window, as the focused element of the dialog may have been removed.
    const listen = (event: KeyboardEvent) => {
      const isInField = (event.target as Element).closest("input, textarea, select, video");
      if (event.ctrlKey || event.metaKey || event.altKey || isInField) return;
      const action = latest.current[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}

interface ToolButtonProperties {
  icon: IconName;
  label: string;
  onPress: () => void;
  pressed?: boolean;
}

function ToolButton({ icon, label, onPress, pressed }: ToolButtonProperties) {
  return (
    <button
      type="button"
      class="button icon small"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Returns the tile of the list if its link is valid; otherwise loads the generation by itself. */
function useTile<T extends Listed>(
  { feed, tiles, id, load }: Properties<T>,
  position: number,
  isWanted: (output: { number: number }) => boolean,
) {
  const [item, setItem] = useState<T>();
  const [error, setError] = useState<ApiError>();
  const listed = tiles[position];
  const fresh = listed && feed.isFresh(listed) ? listed : undefined;
  const isNeeded = !listed && (load !== undefined || feed.ended.value) && item?.id !== id;
  const loadItem = () => {
    if (!load) return setError(new ApiError("not-found", 404));
    load().then(setItem, (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      setError(error);
    });
  };
  useEffect(() => {
    setError(undefined);
    if (isNeeded) loadItem();
  }, [id, isNeeded]);
  useEffect(() => {
    // A generation that cannot be loaded by itself is on one of the next pages, or not available.
    if (!listed && !load) void feed.loadMore();
  }, [tiles]);
  const loaded = item?.id === id ? item : undefined;
  const output = loaded?.outputs.find(isWanted);
  const single = loaded && output ? { key: keyOf(id, output.number), item: loaded, output, page: -1 } : undefined;
  const missing = loaded && loaded.outputs.length > 0 && !output ? new ApiError("not-found", 404) : undefined;
  const tile = fresh ?? single;
  return {
    tile,
    /** The item of the tile; an item without a tile has no images or videos. */
    item: tile?.item ?? (missing ? undefined : loaded),
    error: listed ? undefined : (error ?? missing),
    setItem,
    refresh: () => (listed ? void feed.refresh(listed.page) : loadItem()),
  };
}

interface MediaProperties {
  tile: Tile<Listed>;
  name: string;
  view: { scale: number; x: number; y: number };
  onStale: () => void;
}

function Media({ tile, name, view, onStale }: MediaProperties) {
  const media = tile.output.file;
  // A refreshed link leads to the same file: a video that plays keeps its link.
  const link = useRef({ key: tile.key, url: media.url });
  if (link.current.key !== tile.key) link.current = { key: tile.key, url: media.url };
  const refreshedAt = useRef(-Infinity);
  const refresh = () => {
    // A file that was deleted does not load with another link either.
    if (performance.now() - refreshedAt.current < REFRESH_INTERVAL_MS) return;
    refreshedAt.current = performance.now();
    link.current = { key: "", url: "" };
    onStale();
  };
  const size = { width: media.width, height: media.height };
  const style = {
    aspectRatio: `${media.width} / ${media.height}`,
    "--ratio": `${media.width / media.height}`,
    transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
  };
  return (
    <div class="viewer-frame" style={style} key={tile.key}>
      <Placeholder hash={media.thumbhash} />
      {media.content_type.startsWith("video/") ? (
        <video
          src={link.current.url}
          {...size}
          controls
          autoplay={!reducedMotion.matches}
          loop
          playsinline
          aria-label={name}
          onError={refresh}
        />
      ) : (
        <img src={link.current.url} {...size} alt={name} draggable={false} onError={refresh} />
      )}
    </div>
  );
}

/**
 * Downloads a file. Browsers ignore `download` on a link to another host, so the file is fetched first, with a new link, as
 * the old one may have expired.
 */
async function download(tile: Tile<Listed>, load?: () => Promise<Listed>): Promise<void> {
  const t = text.value.viewer;
  showToast(t.downloading);
  try {
    const isSame = ({ number }: { number: number }) => number === tile.output.number;
    const media = ((await load?.())?.outputs.find(isSame) ?? tile.output).file;
    const response = await fetch(media.url);
    if (!response.ok) throw new TypeError();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = `${fileName(service.value.name)}-${tile.item.id}-${tile.output.number}.${media.content_type.split("/")[1] ?? "bin"}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch {
    showToast(t.downloadFailed);
  }
}
