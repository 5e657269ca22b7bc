/**
 * A list of generations that loads page by page, as tiles: one for each file.
 *
 * Links to files are valid for four minutes. Each page knows when it was loaded, and is loaded again with its own cursor
 * when one of its tiles becomes visible with a link that is about to expire.
 */
import { computed, signal } from "@preact/signals";

import type { Schema } from "../../api/client";
import { ApiError } from "../../api/error";

type Media = Schema["MediaView"];

/** What a list contains: own generations, or public ones. */
export interface Listed {
  id: string;
  media: Media[];
}

/** A file of a listed generation. */
export interface Tile<T extends Listed> {
  key: string;
  item: T;
  /** The position of the file in its generation, from 0. */
  index: number;
  media: Media;
  page: number;
}

interface Page<T> {
  items: T[];
  next?: string | null | undefined;
}

/** How long a link is used, in milliseconds: a little less than it is valid. */
const LINK_LIFETIME_MS = 200_000;

/** Generations that are about to be deleted: no list shows them. */
const hidden = signal<ReadonlySet<string>>(new Set());

/** Hides a generation in all lists. Returns a function that shows it again. */
export function hide(id: string): () => void {
  hidden.value = new Set([...hidden.value, id]);
  return () => {
    hidden.value = new Set([...hidden.value].filter((other) => other !== id));
  };
}

export class Feed<T extends Listed> {
  /** The tiles, in the order of the list. */
  readonly tiles = computed(() => this.#tiles.value.filter(({ item }) => !hidden.value.has(item.id)));
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
      const fresh = new Map((await this.#load(page.cursor)).items.map((item) => [item.id, item]));
      page.items = page.items.map((item) => fresh.get(item.id) ?? item);
      page.at = Date.now();
      this.#updateTiles();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#refreshing.delete(number);
    }
  }

  /** Replaces a generation that was changed. */
  replace(changed: T): void {
    for (const page of this.#pages) page.items = page.items.map((item) => (item.id === changed.id ? changed : item));
    this.#updateTiles();
  }

  #updateTiles(): void {
    this.#tiles.value = this.#pages.flatMap(({ items }, page) =>
      items.flatMap((item) =>
        item.media.map((media, index) => ({ key: `${item.id}:${index}`, item, index, media, page })),
      ),
    );
  }

  #fail(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    this.error.value = error;
  }
}
