/** One picture or film, as large as the window; the rest of the listing is one key away. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Trouble } from "../../api/error";
import { go, query } from "../../router";
import { text } from "../../text";
import { showModal } from "../../ui/dialog";
import { Icon, type IconName } from "../../ui/icon";
import { Empty, Loading } from "../../ui/states";
import { say, Toasts } from "../../ui/toasts";
import type { Feed, Listed, Tile } from "../gallery/feed";
import { Blur } from "../gallery/thumbnail";
import { useZoom } from "./zoom";

/** How often a link to a file is renewed that does not load, in milliseconds. */
const RENEW_EVERY_MS = 60_000;

interface Properties<T extends Listed> {
  feed: Feed<T>;
  tiles: readonly Tile<T>[];
  id: string;
  href: (tile: Tile<T>) => string;
  /** Where the listing is. */
  home: string;
  /** Fetches what the listing has not come to yet. */
  single?: () => Promise<T>;
  words: (item: T) => string;
  details?: (item: T, onChanged: (item: T) => void) => ComponentChildren;
  onRemove?: (item: T) => void;
}

export function Viewer<T extends Listed>(properties: Properties<T>) {
  const { tiles, id, href, home, onRemove } = properties;
  const dialog = useRef<HTMLDialogElement>(null);
  const number = Math.max(1, Number(query.value.get("n") ?? 1)) - 1;
  const place = tiles.findIndex((tile) => tile.item.id === id && tile.index === number);
  const found = useTile(properties, place, number);
  const zoom = useZoom(`${id}:${number}`);
  const [open, setOpen] = useState(true);
  useEffect(() => showModal(dialog.current), []);
  const move = (by: number) => {
    const to = tiles[place + by];
    if (place >= 0 && to) go(href(to), "replace");
    if (place + by + 4 > tiles.length) void properties.feed.more();
  };
  const leave = () => go(home);
  const remove =
    onRemove &&
    found.tile &&
    (() => {
      const { item } = found.tile as Tile<T>;
      leave();
      onRemove(item);
    });
  const keys: Record<string, (() => void) | undefined> = {
    ArrowRight: () => move(isRightToLeft() ? -1 : 1),
    ArrowLeft: () => move(isRightToLeft() ? 1 : -1),
    "+": () => zoom.zoom(1.4),
    "-": () => zoom.zoom(1 / 1.4),
    0: zoom.whole,
    Delete: remove || undefined,
  };
  const press = (event: KeyboardEvent) => {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (event.target as Element).closest("input, textarea, select, video")
    )
      return;
    const deed = keys[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  };
  const pressed = useRef(press);
  pressed.current = press;
  useEffect(() => {
    // Not on the dialog: what had the focus may be gone, and the focus with it.
    const listen = (event: KeyboardEvent) => pressed.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  const t = text.value.viewer;
  return (
    <dialog
      class="viewer"
      ref={dialog}
      autofocus
      tabindex={-1}
      aria-label={t.name}
      onCancel={(event) => {
        event.preventDefault();
        leave();
      }}
    >
      <div class="viewer-bar">
        <Tool icon="close" label={t.close} deed={leave} />
        <span class="viewer-count" role="status">
          {place >= 0 && t.of(place + 1, tiles.length)}
        </span>
        <Tool icon="smaller" label={t.zoomOut} deed={() => zoom.zoom(1 / 1.4)} />
        <Tool icon="larger" label={t.zoomIn} deed={() => zoom.zoom(1.4)} />
        <Tool icon="whole" label={t.zoomReset} deed={zoom.whole} />
        {found.tile && (
          <Tool
            icon="download"
            label={t.download}
            deed={() => void download(found.tile as Tile<T>, properties.single)}
          />
        )}
        {remove && <Tool icon="trash" label={t.delete} deed={remove} />}
        {properties.details && <Tool icon="eye" label={t.details} deed={() => setOpen(!open)} pressed={open} />}
      </div>
      <div class="viewer-stage" {...zoom.stage}>
        {found.trouble ? (
          <Empty title={t.gone} />
        ) : found.tile ? (
          <Large tile={found.tile} words={properties.words(found.tile.item)} view={zoom.view} onStale={found.renew} />
        ) : (
          <Loading />
        )}
      </div>
      <button
        type="button"
        class="viewer-step back"
        aria-label={t.previous}
        disabled={place <= 0}
        onClick={() => move(-1)}
      >
        <Icon name="previous" />
      </button>
      <button
        type="button"
        class="viewer-step on"
        aria-label={t.next}
        disabled={place < 0 || place >= tiles.length - 1}
        onClick={() => move(1)}
      >
        <Icon name="next" />
      </button>
      {open && found.tile && properties.details && (
        <aside class="viewer-details">{properties.details(found.tile.item, found.set)}</aside>
      )}
      <p class="aside">{t.keys}</p>
      <Toasts />
    </dialog>
  );
}

/** Whether the person wants nothing to move by itself. */
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const isRightToLeft = () => document.documentElement.dir === "rtl";

function Tool({ icon, label, deed, pressed }: { icon: IconName; label: string; deed: () => void; pressed?: boolean }) {
  return (
    <button
      type="button"
      class="button icon small"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={deed}
    >
      <Icon name={icon} />
    </button>
  );
}

/** The tile from the listing with a link that works, or else the thing by itself. */
function useTile<T extends Listed>({ feed, tiles, id, single }: Properties<T>, place: number, number: number) {
  const [item, set] = useState<T>();
  const [trouble, fail] = useState<Trouble>();
  const listed = tiles[place];
  const fresh = listed && feed.isFresh(listed) ? listed : undefined;
  const needed = !listed && (single !== undefined || feed.ended.value) && item?.id !== id;
  const fetch = () => {
    if (!single) return fail(new Trouble("not-found", 404));
    single().then(set, (error: unknown) => {
      if (!(error instanceof Trouble)) throw error;
      fail(error);
    });
  };
  useEffect(() => {
    fail(undefined);
    if (needed) fetch();
  }, [id, needed]);
  useEffect(() => {
    // Where nothing can be asked for by itself, it is in the listing or nowhere.
    if (!listed && !single) void feed.more();
  }, [tiles]);
  const media = item?.id === id ? item.media[number] : undefined;
  const alone = item && media ? { key: `${id}:${number}`, item, index: number, media, page: -1 } : undefined;
  return {
    tile: fresh ?? alone,
    trouble: listed ? undefined : trouble,
    set,
    renew: () => (listed ? void feed.renew(listed.page) : fetch()),
  };
}

interface LargeProperties {
  tile: Tile<Listed>;
  words: string;
  view: { scale: number; x: number; y: number };
  onStale: () => void;
}

function Large({ tile, words, view, onStale }: LargeProperties) {
  const { media } = tile;
  // A renewed link shows the same bytes: what plays goes on.
  const link = useRef({ key: tile.key, url: media.url });
  if (link.current.key !== tile.key) link.current = { key: tile.key, url: media.url };
  const renewedAt = useRef(-Infinity);
  const renew = () => {
    // A file that is gone is gone with another link too.
    if (performance.now() - renewedAt.current < RENEW_EVERY_MS) return;
    renewedAt.current = performance.now();
    link.current = { key: "", url: "" };
    onStale();
  };
  const size = { width: media.width, height: media.height };
  const box = {
    aspectRatio: `${media.width} / ${media.height}`,
    "--ratio": `${media.width / media.height}`,
    transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
  };
  return (
    <div class="viewer-frame" style={box} key={tile.key}>
      <Blur hash={media.thumbhash} />
      {media.content_type.startsWith("video/") ? (
        <video
          src={link.current.url}
          {...size}
          controls
          autoplay={!calm.matches}
          loop
          playsinline
          aria-label={words}
          onError={renew}
        />
      ) : (
        <img src={link.current.url} {...size} alt={words} draggable={false} onError={renew} />
      )}
    </div>
  );
}

/** The bytes come through us: a link to another host does not download. It may have died since it was shown, so another is asked for. */
async function download(tile: Tile<Listed>, single?: () => Promise<Listed>): Promise<void> {
  const t = text.value.viewer;
  say(t.downloading);
  try {
    const media = (await single?.())?.media[tile.index] ?? tile.media;
    const answer = await fetch(media.url);
    if (!answer.ok) throw new TypeError();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `darkroom-${tile.item.id}-${tile.index + 1}.${media.content_type.split("/")[1] ?? "bin"}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch {
    say(t.downloadFailed);
  }
}
