/** The galleries: one's own, and what everybody shows. */
import "./gallery.css";

import { useEffect, useMemo, useState } from "preact/hooks";

import { load as loadAccount } from "../../accounts/account";
import { api, ask, once, type Schema } from "../../api/client";
import { session } from "../../api/session";
import { text } from "../../text";
import { Choice, Field } from "../../ui/field";
import { Section } from "../../ui/page";
import { useOnline } from "../../ui/query";
import { Empty, Loading, TroubleNotice } from "../../ui/states";
import { doUnlessUndone } from "../../ui/toasts";
import { Details } from "../viewer/details";
import { Viewer } from "../viewer/viewer";
import { Feed, hide, type Listed, type Tile } from "./feed";
import { Grid } from "./grid";
import { Mark, seenBy } from "./visibility-badge";

type Generation = Schema["GenerationView"];
type Shown = Schema["PublicView"];

/** How many come with one page. */
const PAGE = 48;
/** How many come with one page while all of them are looked through. */
const SEARCH_PAGE = 100;

function useTabs() {
  const t = text.value.gallery;
  return session.value === "none"
    ? undefined
    : [
        { to: "/gallery", label: t.own },
        { to: "/gallery/public", label: t.everybody },
      ];
}

interface Filters {
  kind: "all" | "image" | "video";
  seen: "all" | "private" | "shared" | "public";
  words: string;
}

export function Own({ id }: { id?: string }) {
  const t = text.value.gallery;
  const [filters, filter] = useState<Filters>({ kind: "all", seen: "all", words: "" });
  // The API knows neither words nor links: for these, everything is looked through.
  const searching = filters.words.trim() !== "" || filters.seen === "shared";
  const feed = useMemo(() => ownFeed(filters, searching), [filters.kind, filters.seen, searching]);
  useEffect(() => void feed.more(), [feed]);
  const listed = feed.tiles.value;
  const tiles = useMemo(() => {
    const words = filters.words.toLowerCase().split(/\s+/).filter(Boolean);
    const isMeant = (item: Generation) => filters.seen !== "shared" || seenBy(item) === "shared";
    return listed.filter(
      ({ item }) => isMeant(item) && words.every((word) => item.settings.prompt.toLowerCase().includes(word)),
    );
  }, [listed, filters.words, filters.seen]);
  useEffect(() => {
    if (searching && !feed.busy.value) void feed.more();
  }, [searching, listed, feed]);
  const remove = (item: Generation) => {
    const back = hide(item.id);
    const deed = () =>
      ask(api.DELETE("/v1/generations/{id}", { params: { path: { id: item.id }, ...once() }, keepalive: true }));
    doUnlessUndone(text.value.viewer.deleting, deed, back);
  };
  const href = (tile: Tile<Generation>) => `/gallery/${tile.item.id}?n=${tile.index + 1}`;
  return (
    <Section title={t.title} tabs={useTabs() ?? []} wide>
      <Sieve filters={filters} onFilters={filter} />
      <Wall
        feed={feed}
        tiles={tiles}
        href={href}
        alt={({ item }) => item.settings.prompt}
        badge={({ item, index }) => index === 0 && <Mark generation={item} />}
        nothing={
          searching ? (
            <Empty title={filters.seen === "shared" ? t.nothingShared : t.nothingFound} />
          ) : (
            <Empty title={t.nothing}>
              <p>{t.nothingOwn}</p>
              <a class="button primary" href="/">
                {t.make}
              </a>
            </Empty>
          )
        }
      />
      {searching && feed.busy.value && (
        <p class="soft small" role="status">
          {t.searching}
        </p>
      )}
      {id && (
        <Viewer
          feed={feed}
          tiles={tiles}
          id={id}
          href={href}
          home="/gallery"
          onRemove={remove}
          single={() => ask<Generation>(api.GET("/v1/generations/{id}", { params: { path: { id } } }))}
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
          words={(item) => item.settings.prompt}
        />
      )}
    </Section>
  );
}

function ownFeed({ kind, seen }: Filters, all: boolean): Feed<Generation> {
  return new Feed<Generation>((cursor) =>
    ask(
      api.GET("/v1/generations", {
        params: {
          query: {
            status: "succeeded",
            limit: all ? SEARCH_PAGE : PAGE,
            ...(kind === "all" ? {} : { kind }),
            ...(seen === "all" ? {} : { visibility: seen === "public" ? "public" : "private" }),
            ...(cursor ? { cursor } : {}),
          },
        },
      }),
    ),
  );
}

function Sieve({ filters, onFilters }: { filters: Filters; onFilters: (filters: Filters) => void }) {
  const t = text.value.gallery;
  const kinds = (["all", "image", "video"] as const).map((value) => ({ value, label: t.kinds[value] }));
  const seen = (["all", "private", "shared", "public"] as const).map((value) => ({
    value,
    label: t.visibilities[value],
  }));
  return (
    <search class="sieve">
      <Field
        type="search"
        label={t.search}
        value={filters.words}
        onValue={(words) => onFilters({ ...filters, words })}
      />
      <Choice label={t.kind} value={filters.kind} options={kinds} onValue={(kind) => onFilters({ ...filters, kind })} />
      <Choice label={t.seen} value={filters.seen} options={seen} onValue={(seen) => onFilters({ ...filters, seen })} />
    </search>
  );
}

export function Public({ id }: { id?: string }) {
  const t = text.value.gallery;
  const feed = useMemo(
    () =>
      new Feed<Shown>((cursor) =>
        ask(api.GET("/v1/gallery", { params: { query: { limit: PAGE, ...(cursor ? { cursor } : {}) } } })),
      ),
    [],
  );
  useEffect(() => void feed.more(), [feed]);
  const tiles = feed.tiles.value;
  const href = (tile: Tile<Shown>) => `/gallery/public/${tile.item.id}?n=${tile.index + 1}`;
  const name = ({ prompt, kind }: Shown) => prompt ?? (kind === "video" ? t.video : t.picture);
  return (
    <Section title={t.title} tabs={useTabs() ?? []} wide>
      <Wall
        feed={feed}
        tiles={tiles}
        href={href}
        alt={({ item }) => name(item)}
        nothing={
          <Empty title={t.nothing}>
            <p>{t.nothingPublic}</p>
          </Empty>
        }
      />
      {id && <Viewer feed={feed} tiles={tiles} id={id} href={href} home="/gallery/public" words={name} />}
    </Section>
  );
}

interface WallProperties<T extends Listed> {
  feed: Feed<T>;
  tiles: readonly Tile<T>[];
  href: (tile: Tile<T>) => string;
  alt: (tile: Tile<T>) => string;
  badge?: (tile: Tile<T>) => preact.ComponentChildren;
  nothing: preact.ComponentChildren;
}

function Wall<T extends Listed>({ feed, tiles, href, alt, badge, nothing }: WallProperties<T>) {
  const ended = feed.ended.value;
  const more = () => void feed.more();
  const again = () => feed.again();
  useOnline(feed.trouble.value, again);
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
          renew={(tile) => void feed.renew(tile.page)}
          onNearEnd={more}
        />
      )}
      <TroubleNotice trouble={feed.trouble.value} retry={again} />
      {feed.busy.value && tiles.length === 0 && <Loading />}
      {ended && tiles.length === 0 && nothing}
    </>
  );
}
