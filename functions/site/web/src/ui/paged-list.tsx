/** Lists that load page by page. */
import { useCallback, useEffect, useState } from "preact/hooks";

import { ApiError } from "../api/error";
import { text } from "../text";
import { useRetryWhenOnline } from "./query";

interface ListPage<T> {
  items: T[];
  next?: string | null;
}

interface ListState<T> {
  items: T[];
  next?: string;
  /** Whether the first page has arrived. */
  loaded: boolean;
  busy: boolean;
  error?: ApiError;
}

/** Loads a list and adds a page whenever `loadMore` is called; `loadPage` gets the cursor of the page. */
export function usePagedList<T>(
  loadPage: (cursor: string | undefined) => Promise<ListPage<T>>,
  dependencies: readonly unknown[] = [],
) {
  const [state, setState] = useState<ListState<T>>({ items: [], loaded: false, busy: true });
  const load = useCallback(async (cursor: string | undefined, before: T[]) => {
    setState((state) => ({ ...state, items: before, busy: true }));
    try {
      const page = await loadPage(cursor);
      const next = page.next ? { next: page.next } : {};
      setState({ items: [...before, ...page.items], loaded: true, busy: false, ...next });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setState((state) => ({ ...state, busy: false, error }));
    }
  }, dependencies);
  useEffect(() => {
    void load(undefined, []);
  }, [load]);
  const reload = () => load(undefined, []);
  useRetryWhenOnline(state.error, reload);
  return { ...state, loadMore: () => load(state.next, state.items), reload };
}

export function LoadMore({ list }: { list: { next?: string; busy: boolean; loadMore: () => void } }) {
  if (!list.next) return null;
  return (
    <button type="button" class="button" disabled={list.busy} onClick={list.loadMore}>
      {text.value.actions.loadMore}
    </button>
  );
}
