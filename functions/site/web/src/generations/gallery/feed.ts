/**
 * A list of generations that loads page by page, as tiles: one for each image or video.
 *
 * Links to files are valid for four minutes. Each page knows when it was loaded, and is loaded again with its own cursor
 * when one of its tiles becomes visible with a link that is about to expire.
 */
import { computed, signal } from "@preact/signals";

import type { Schema } from "../../api/client";
import { ApiError } from "../../api/error";

type Media = Schema["MediaView"];

/** An image or a video of a generation. */
interface Output {
  /** Its number in the generation, from 1. */
  number: number;
  file: Media;
}

/** What a list contains: own generations with their outputs, or single public outputs. */
export interface Listed {
  /** The id of the generation. */
  id: string;
  outputs: Output[];
}

/** An image or a video of a list. */
export interface Tile<T extends Listed> {
  key: string;
  item: T;
  output: T["outputs"][number];
  page: number;
}

interface Page<T> {
  items: T[];
  next?: string | null | undefined;
}

/** How long a link is used, in milliseconds: a little less than it is valid. */
const LINK_LIFETIME_MS = 200_000;

/** The keys of what is about to be deleted: no list shows it. */
const hidden = signal<ReadonlySet<string>>(new Set());

/** Returns the key of an image or a video; without a number, of its generation. */
export const keyOf = (id: string, number = 0) => `${id}:${number}`;

/** Returns whether something with this key is hidden. */
export const isHidden = (key: string) => hidden.value.has(key);

/** Hides an image, a video or a generation in all lists. Returns a function that shows it again. */
export function hide(key: string): () => void {
  hidden.value = new Set([...hidden.value, key]);
  return () => {
    hidden.value = new Set([...hidden.value].filter((other) => other !== key));
  };
}

/** Returns the key of an item: that of its first output, as several items may be of one generation. */
const itemKey = ({ id, outputs: [first] }: Listed) => keyOf(id, first?.number);

export class Feed<T extends Listed> {
  /** The tiles, in the order of the list. */
  readonly tiles = computed(() => this.#tiles.value.filter(({ key }) => !isHidden(key)));
  readonly error = signal<ApiError | undefined>(undefined);
  readonly busy = signal(false);
  /** Whether the last page is loaded. */
  readonly ended = signal(false);

  readonly #tiles = signal<Tile<T>[]>([]);
  readonly #load: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #pages: { cursor: string | undefined; items: T[]; at: number }[] = [];
  readonly #refreshing = new Set<number>();
  #next: string | undefined;

  constructor(load: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#load = load;
  }

  /**
   * Loads the next page, and those after it as long as they are empty. Does nothing while a page is loading, and after an
   * error until `retry`.
   */
  async loadMore(): Promise<void> {
    if (this.busy.value || this.ended.value || this.error.value) return;
    this.busy.value = true;
    try {
      let items: T[] = [];
      while (items.length === 0 && !this.ended.value) {
        const cursor = this.#next;
        const page = await this.#load(cursor);
        items = page.items;
        this.#next = page.next ?? undefined;
        this.#pages.push({ cursor, items, at: Date.now() });
        this.ended.value = this.#next === undefined;
      }
      this.#updateTiles();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.busy.value = false;
    }
  }

  /** Loads what failed to load. */
  retry(): Promise<void> {
    this.error.value = undefined;
    return this.loadMore();
  }

  /** Returns whether the link of a tile is valid. If not, loads its page again, unless that has just failed. */
  isFresh(tile: Tile<T>): boolean {
    const page = this.#pages[tile.page];
    if (page && Date.now() - page.at < LINK_LIFETIME_MS) return true;
    if (!this.error.value) void this.refresh(tile.page);
    return false;
  }

  /** Loads a page again, for its links. */
  async refresh(number: number): Promise<void> {
    const page = this.#pages[number];
    if (!page || this.#refreshing.has(number)) return;
    this.#refreshing.add(number);
    try {
      const fresh = new Map((await this.#load(page.cursor)).items.map((item) => [itemKey(item), item]));
      page.items = page.items.map((item) => fresh.get(itemKey(item)) ?? item);
      page.at = Date.now();
      this.#updateTiles();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#refreshing.delete(number);
    }
  }

  /** Replaces an own generation that was changed. */
  replace(changed: T): void {
    for (const page of this.#pages) page.items = page.items.map((item) => (item.id === changed.id ? changed : item));
    this.#updateTiles();
  }

  #updateTiles(): void {
    this.#tiles.value = this.#pages.flatMap(({ items }, page) =>
      items.flatMap((item) =>
        item.outputs.map((output) => ({ key: keyOf(item.id, output.number), item, output, page })),
      ),
    );
  }

  #fail(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    this.error.value = error;
  }
}
