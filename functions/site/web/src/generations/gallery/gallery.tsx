/** The gallery of the account, and the public one of all accounts. */
import "./gallery.css";

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { loadAccount } from "../../accounts/account";
import { api, idempotencyHeader, type Schema, unwrap } from "../../api/client";
import { session } from "../../api/session";
import { text } from "../../text";
import { Field, RadioGroup } from "../../ui/field";
import { Page } from "../../ui/page";
import { useRetryWhenOnline } from "../../ui/query";
import { Empty, ErrorNotice, Loading } from "../../ui/states";
import { runUnlessUndone } from "../../ui/toasts";
import { Details } from "../viewer/details";
import { Viewer } from "../viewer/viewer";
import { Feed, hide, type Listed, type Tile } from "./feed";
import { Grid } from "./grid";
import { VisibilityBadge, visibilityOf } from "./visibility-badge";

type Generation = Schema["GenerationView"];
type PublicGeneration = Schema["PublicView"];

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

interface Filters {
  kind: "all" | "image" | "video";
  visibility: "all" | "private" | "shared" | "public";
  search: string;
}

export function Gallery({ id }: { id?: string }) {
  const t = text.value.gallery;
  const [filters, setFilters] = useState<Filters>({ kind: "all", visibility: "all", search: "" });
  // The API filters neither by prompt nor by links: for these, all pages are loaded.
  const searching = filters.search.trim() !== "" || filters.visibility === "shared";
  const feed = useMemo(() => createFeed(filters, searching), [filters.kind, filters.visibility, searching]);
  useEffect(() => void feed.loadMore(), [feed]);
  const loaded = feed.tiles.value;
  const tiles = useMemo(() => loaded.filter(({ item }) => matches(item, filters)), [loaded, filters]);
  useEffect(() => {
    if (searching && !feed.busy.value) void feed.loadMore();
  }, [searching, loaded, feed]);
  const remove = (item: Generation) => {
    const restore = hide(item.id);
    const params = { path: { id: item.id }, ...idempotencyHeader() };
    const action = () => unwrap(api.DELETE("/v1/generations/{id}", { params, keepalive: true }));
    runUnlessUndone(text.value.viewer.deleted(item.media.length), action, restore);
  };
  const href = (tile: Tile<Generation>) => `/gallery/${tile.item.id}?n=${tile.index + 1}`;
  const noMatches = <Empty title={filters.visibility === "shared" ? t.noShared : t.noMatches} />;
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
      <FilterBar filters={filters} onFilters={setFilters} />
      <FeedGrid
        feed={feed}
        tiles={tiles}
        href={href}
        alt={({ item }) => item.settings.prompt}
        badge={({ item, index }) => index === 0 && <VisibilityBadge generation={item} />}
        empty={searching ? noMatches : nothingYet}
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
          listPath="/gallery"
          onRemove={remove}
          load={() => unwrap<Generation>(api.GET("/v1/generations/{id}", { params: { path: { id } } }))}
          details={(item, onChanged) => (
            <Details
              generation={item}
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

/** Returns whether a generation matches the filters that the API does not apply. */
function matches(item: Generation, { visibility, search }: Filters): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const prompt = item.settings.prompt.toLowerCase();
  return (visibility !== "shared" || visibilityOf(item) === "shared") && words.every((word) => prompt.includes(word));
}

function createFeed({ kind, visibility }: Filters, searching: boolean): Feed<Generation> {
  const filters = {
    status: "succeeded" as const,
    limit: searching ? SEARCH_PAGE_SIZE : PAGE_SIZE,
    ...(kind === "all" ? {} : { kind }),
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
  const kinds = (["all", "image", "video"] as const).map((value) => ({ value, label: t.kinds[value] }));
  const visibilities = (["all", "private", "shared", "public"] as const).map((value) => ({
    value,
    label: t.visibilities[value],
  }));
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
    </search>
  );
}

export function Explore({ id }: { id?: string }) {
  const t = text.value.gallery;
  const feed = useMemo(createPublicFeed, []);
  useEffect(() => void feed.loadMore(), [feed]);
  const tiles = feed.tiles.value;
  const href = (tile: Tile<PublicGeneration>) => `/gallery/public/${tile.item.id}?n=${tile.index + 1}`;
  const name = ({ prompt, kind }: PublicGeneration) => prompt ?? t[kind];
  const empty = (
    <Empty title={t.emptyExplore}>
      <p>{t.emptyExploreText}</p>
    </Empty>
  );
  return (
    <Page title={t.explore} tabs={useTabs()} wide>
      <FeedGrid feed={feed} tiles={tiles} href={href} alt={({ item }) => name(item)} empty={empty} />
      {id && <Viewer feed={feed} tiles={tiles} id={id} href={href} listPath="/gallery/public" name={name} />}
    </Page>
  );
}

function createPublicFeed(): Feed<PublicGeneration> {
  return new Feed<PublicGeneration>((cursor) =>
    unwrap(api.GET("/v1/gallery", { params: { query: { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) } } })),
  );
}

interface FeedGridProperties<T extends Listed> {
  feed: Feed<T>;
  tiles: readonly Tile<T>[];
  href: (tile: Tile<T>) => string;
  alt: (tile: Tile<T>) => string;
  badge?: (tile: Tile<T>) => ComponentChildren;
  /** Shown if the list has no tiles. */
  empty: ComponentChildren;
}

function FeedGrid<T extends Listed>({ feed, tiles, href, alt, badge, empty }: FeedGridProperties<T>) {
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
