/**
 * A listing of pictures that grows page by page.
 *
 * Links to files live four minutes. Each page remembers when it came, and is asked for again, at its own cursor, when one of
 * its pictures comes into sight with a link that is about to die.
 */
import { computed, signal } from "@preact/signals";

import type { Schema } from "../../api/client";
import { Trouble } from "../../api/error";

type Media = Schema["MediaView"];

/** What can be listed: own things and those of others. */
export interface Listed {
  id: string;
  media: Media[];
}

/** One file of something listed. */
export interface Tile<T extends Listed> {
  key: string;
  item: T;
  /** Which of its files, from 0. */
  index: number;
  media: Media;
  page: number;
}

interface Page<T> {
  items: T[];
  next?: string | null | undefined;
}

/** So long a link is used, in milliseconds: a little less than it lives. */
const FRESH_MS = 200_000;

/** What is being deleted: gone from every listing before it is gone. */
const hidden = signal<ReadonlySet<string>>(new Set());

/** Hides something from every listing. What it returns puts it back. */
export function hide(id: string): () => void {
  hidden.value = new Set([...hidden.value, id]);
  return () => {
    hidden.value = new Set([...hidden.value].filter((other) => other !== id));
  };
}

export class Feed<T extends Listed> {
  /** The files, in the order of the listing. */
  readonly tiles = computed(() => this.#laid.value.filter(({ item }) => !hidden.value.has(item.id)));
  readonly trouble = signal<Trouble | undefined>(undefined);
  readonly busy = signal(false);
  /** Whether the listing has come to its end. */
  readonly ended = signal(false);

  readonly #laid = signal<Tile<T>[]>([]);
  readonly #ask: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #pages: { cursor: string | undefined; items: T[]; at: number }[] = [];
  readonly #renewing = new Set<number>();
  #next: string | undefined;

  constructor(ask: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#ask = ask;
  }

  /**
   * Asks for the next page, and for those after it as long as they are empty. A repeat while it is asked does nothing, nor one
   * after trouble, until somebody tries `again`.
   */
  async more(): Promise<void> {
    if (this.busy.value || this.ended.value || this.trouble.value) return;
    this.busy.value = true;
    try {
      let items: T[] = [];
      while (items.length === 0 && !this.ended.value) {
        const cursor = this.#next;
        const page = await this.#ask(cursor);
        items = page.items;
        this.#next = page.next ?? undefined;
        this.#pages.push({ cursor, items, at: Date.now() });
        this.ended.value = this.#next === undefined;
      }
      this.#lay();
    } catch (error) {
      this.#caught(error);
    } finally {
      this.busy.value = false;
    }
  }

  /** Asks for what could not be asked, links included. */
  again(): Promise<void> {
    this.trouble.value = undefined;
    return this.more();
  }

  /** Whether the link of a tile can be used. If not, its page is asked for again, unless that has just failed. */
  isFresh(tile: Tile<T>): boolean {
    const page = this.#pages[tile.page];
    if (page && Date.now() - page.at < FRESH_MS) return true;
    if (!this.trouble.value) void this.renew(tile.page);
    return false;
  }

  /** Asks for a page again, for its links. */
  async renew(number: number): Promise<void> {
    const page = this.#pages[number];
    if (!page || this.#renewing.has(number)) return;
    this.#renewing.add(number);
    try {
      const fresh = new Map((await this.#ask(page.cursor)).items.map((item) => [item.id, item]));
      page.items = page.items.map((item) => fresh.get(item.id) ?? item);
      page.at = Date.now();
      this.#lay();
    } catch (error) {
      this.#caught(error);
    } finally {
      this.#renewing.delete(number);
    }
  }

  /** Puts a changed item in the place of the old one. */
  replace(changed: T): void {
    for (const page of this.#pages) page.items = page.items.map((item) => (item.id === changed.id ? changed : item));
    this.#lay();
  }

  #lay(): void {
    this.#laid.value = this.#pages.flatMap(({ items }, page) =>
      items.flatMap((item) =>
        item.media.map((media, index) => ({ key: `${item.id}:${index}`, item, index, media, page })),
      ),
    );
  }

  #caught(error: unknown): void {
    if (!(error instanceof Trouble)) throw error;
    this.trouble.value = error;
  }
}
