/** The gallery of the account, and the public one of all accounts. */
import "./gallery.css";

import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import { loadAccount } from "../../accounts/account";
import { api, type Schema, unwrap } from "../../api/client";
import { session } from "../../api/session";
import { navigate, query } from "../../router";
import { text } from "../../text";
import { Field, RadioGroup } from "../../ui/field";
import { Page } from "../../ui/page";
import { useRetryWhenOnline } from "../../ui/query";
import { Empty, ErrorNotice, Loading } from "../../ui/states";
import { deleteOutput } from "../deletion";
import { FavoriteButton, favoriteOf, isFavorite, pendingFavorites } from "../favorite";
import { outcomeOf } from "../outcome";
import { Details, PublicDetails } from "../viewer/details";
import { Viewer } from "../viewer/viewer";
import { Feed, type Listed, type Tile } from "./feed";
import { Grid } from "./grid";
import { VisibilityBadge, visibilityOf } from "./visibility-badge";

type Generation = Schema["GenerationView"];
type Output = Schema["OutputView"];
/** An item of the public gallery is one output. */
type PublicItem = Schema["PublicView"] & Listed;

/** The number of generations on a page of the API. */
const PAGE_SIZE = 48;
/** The number of generations on a page while all of them are searched. */
const SEARCH_PAGE_SIZE = 100;

function useTabs() {
  const t = text.value.gallery;
  if (session.value === "signed-out") return [];
  return [
    { to: "/gallery", label: t.title },
    { to: "/gallery/public", label: t.explore },
  ];
}

const KINDS = ["all", "image", "video"] as const;
const VISIBILITIES = ["all", "private", "shared", "public"] as const;

interface Filters {
  kind: (typeof KINDS)[number];
  visibility: (typeof VISIBILITIES)[number];
  favorites: boolean;
  search: string;
}

/** Reads the filters from the query of the address. */
function filtersOf(query: URLSearchParams): Filters {
  const one = <T extends string>(name: string, values: readonly [T, ...T[]]) =>
    values.find((value) => value === query.get(name)) ?? values[0];
  return {
    kind: one("kind", KINDS),
    visibility: one("visibility", VISIBILITIES),
    favorites: query.get("favorites") === "true",
    search: query.get("search") ?? "",
  };
}

/** Returns the query of an address with these filters, and with the number of the image or video that is open. */
function queryOf({ kind, visibility, favorites, search }: Filters, number?: number): string {
  const parameters = new URLSearchParams();
  if (number !== undefined) parameters.set("n", String(number));
  if (kind !== "all") parameters.set("kind", kind);
  if (visibility !== "all") parameters.set("visibility", visibility);
  if (favorites) parameters.set("favorites", "true");
  if (search !== "") parameters.set("search", search);
  return parameters.size > 0 ? `?${parameters}` : "";
}

export function Gallery({ id }: { id?: string }) {
  const t = text.value.gallery;
  const filters = filtersOf(query.value);
  // The API filters neither by prompt nor by links: for these, all pages are loaded.
  const searching = filters.search.trim() !== "" || filters.visibility === "shared";
  const feed = useMemo(
    () => createFeed(filters, searching),
    [filters.kind, filters.visibility, filters.favorites, searching],
  );
  const loaded = feed.tiles.value;
  const tiles = useMemo(
    () => loaded.filter((tile) => matches(tile, filters)),
    [loaded, queryOf(filters), pendingFavorites.value],
  );
  useEffect(() => {
    // A page of which nothing matches any more does not end the list.
    if (searching || tiles.length === 0) void feed.loadMore();
  }, [searching, tiles, feed]);
  const href = ({ item, output }: Tile<Generation>) => `/gallery/${item.id}${queryOf(filters, output.number)}`;
  const noMatches = <Empty title={filters.visibility === "shared" ? t.noShared : t.noMatches} />;
  const noFavorites = <Empty title={t.noFavorites} />;
  const nothingYet = (
    <Empty title={t.empty}>
      <p>{t.emptyText}</p>
      <a class="button primary" href="/">
        {t.create}
      </a>
    </Empty>
  );
  return (
    <Page title={t.title} tabs={useTabs()} wide>
      <FilterBar filters={filters} onFilters={(next) => navigate(`/gallery${queryOf(next)}`, "replace")} />
      <FeedGrid
        feed={feed}
        tiles={tiles}
        href={href}
        alt={({ item }) => item.settings.prompt}
        badge={({ output }) => <VisibilityBadge output={output} />}
        action={({ item, output }) => (
          <FavoriteButton mark={favoriteOf(item, output, (changed) => feed.replace(changed))} />
        )}
        empty={searching ? noMatches : filters.favorites ? noFavorites : nothingYet}
      />
      {searching && feed.busy.value && (
        <p class="muted small" role="status">
          {t.searching}
        </p>
      )}
      {id && (
        <Viewer
          feed={feed}
          tiles={tiles}
          id={id}
          href={href}
          listPath={`/gallery${queryOf(filters)}`}
          onRemove={deleteOutput}
          favorite={(item, output, onChanged) =>
            favoriteOf(item, output, (changed) => {
              feed.replace(changed);
              onChanged(changed);
            })
          }
          outcome={outcomeOf}
          load={() => unwrap<Generation>(api.GET("/v1/generations/{id}", { params: { path: { id } } }))}
          details={(item, output, onChanged) => (
            <Details
              generation={item}
              output={output}
              onChanged={(changed) => {
                feed.replace(changed);
                onChanged(changed);
                void loadAccount();
              }}
            />
          )}
          name={(item) => item.settings.prompt}
        />
      )}
    </Page>
  );
}

/** Returns whether an image or a video matches the filters: the API returns whole generations. */
function matches(
  { item, output }: { item: Generation; output: Output },
  { visibility, favorites, search }: Filters,
): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const prompt = item.settings.prompt.toLowerCase();
  return (
    (visibility === "all" || visibilityOf(output) === visibility) &&
    (!favorites || isFavorite(item.id, output)) &&
    words.every((word) => prompt.includes(word))
  );
}

function createFeed({ kind, visibility, favorites }: Filters, searching: boolean): Feed<Generation> {
  const filters = {
    status: "succeeded" as const,
    limit: searching ? SEARCH_PAGE_SIZE : PAGE_SIZE,
    ...(kind === "all" ? {} : { kind }),
    ...(favorites ? { favorite: true } : {}),
    ...(visibility === "all"
      ? {}
      : { visibility: visibility === "public" ? ("public" as const) : ("private" as const) }),
  };
  return new Feed<Generation>((cursor) =>
    unwrap(api.GET("/v1/generations", { params: { query: { ...filters, ...(cursor ? { cursor } : {}) } } })),
  );
}

function FilterBar({ filters, onFilters }: { filters: Filters; onFilters: (filters: Filters) => void }) {
  const t = text.value.gallery;
  const kinds = KINDS.map((value) => ({ value, label: t.kinds[value] }));
  const visibilities = VISIBILITIES.map((value) => ({ value, label: t.visibilities[value] }));
  return (
    <search class="gallery-filters">
      <Field
        type="search"
        label={t.search}
        value={filters.search}
        onValue={(search) => onFilters({ ...filters, search })}
      />
      <RadioGroup
        label={t.kind}
        value={filters.kind}
        options={kinds}
        onValue={(kind) => onFilters({ ...filters, kind })}
      />
      <RadioGroup
        label={t.visibility}
        value={filters.visibility}
        options={visibilities}
        onValue={(visibility) => onFilters({ ...filters, visibility })}
      />
      <label class="checkbox">
        <input
          type="checkbox"
          checked={filters.favorites}
          onChange={(event) => onFilters({ ...filters, favorites: event.currentTarget.checked })}
        />
        {t.favorites}
      </label>
    </search>
  );
}

export function Explore({ id }: { id?: string }) {
  const t = text.value.gallery;
  const feed = useMemo(createPublicFeed, []);
  useEffect(() => void feed.loadMore(), [feed]);
  const tiles = feed.tiles.value;
  const href = (tile: Tile<PublicItem>) => `/gallery/public/${tile.item.id}?n=${tile.output.number}`;
  const name = ({ prompt, kind }: PublicItem) => prompt ?? t[kind];
  const empty = (
    <Empty title={t.emptyExplore}>
      <p>{t.emptyExploreText}</p>
    </Empty>
  );
  return (
    <Page title={t.explore} tabs={useTabs()} wide>
      <FeedGrid feed={feed} tiles={tiles} href={href} alt={({ item }) => name(item)} empty={empty} />
      {id && (
        <Viewer
          feed={feed}
          tiles={tiles}
          id={id}
          href={href}
          listPath="/gallery/public"
          name={name}
          details={(item) => <PublicDetails item={item} />}
        />
      )}
    </Page>
  );
}

function createPublicFeed(): Feed<PublicItem> {
  return new Feed<PublicItem>(async (cursor) => {
    const query = { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) };
    const page = await unwrap(api.GET("/v1/gallery", { params: { query } }));
    const items = page.items.map((item) => ({ ...item, outputs: [{ number: item.output, file: item.file }] }));
    return { items, next: page.next };
  });
}

interface FeedGridProperties<T extends Listed> {
  feed: Feed<T>;
  tiles: readonly Tile<T>[];
  href: (tile: Tile<T>) => string;
  alt: (tile: Tile<T>) => string;
  badge?: (tile: Tile<T>) => ComponentChildren;
  action?: (tile: Tile<T>) => ComponentChildren;
  /** Shown if the list has no tiles. */
  empty: ComponentChildren;
}

function FeedGrid<T extends Listed>({ feed, tiles, href, alt, badge, action, empty }: FeedGridProperties<T>) {
  const ended = feed.ended.value;
  const retry = () => feed.retry();
  useRetryWhenOnline(feed.error.value, retry);
  return (
    <>
      {tiles.length > 0 && (
        <Grid
          tiles={tiles}
          ended={ended}
          href={href}
          alt={alt}
          {...(badge ? { badge } : {})}
          {...(action ? { action } : {})}
          isFresh={(tile) => feed.isFresh(tile)}
          refresh={(tile) => void feed.refresh(tile.page)}
          onNearEnd={() => void feed.loadMore()}
        />
      )}
      <ErrorNotice error={feed.error.value} retry={retry} />
      {feed.busy.value && tiles.length === 0 && <Loading />}
      {ended && tiles.length === 0 && empty}
    </>
  );
}
