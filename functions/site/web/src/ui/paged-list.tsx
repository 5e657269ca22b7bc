/** Lists that come page by page. */
import { useCallback, useEffect, useState } from "preact/hooks";

import { Trouble } from "../api/error";
import { text } from "../text";
import { useOnline } from "./query";

interface Page<T> {
  items: T[];
  next?: string | null;
}

/** A list that grows by a page whenever `more` is called; `question` gets the cursor of the page. */
export function usePages<T>(
  question: (cursor: string | undefined) => Promise<Page<T>>,
  needs: readonly unknown[] = [],
) {
  const [state, set] = useState<{ items: T[]; next?: string; begun: boolean; busy: boolean; trouble?: Trouble }>({
    items: [],
    begun: false,
    busy: true,
  });
  const load = useCallback(async (cursor: string | undefined, before: T[]) => {
    set((state) => ({ ...state, items: before, busy: true }));
    try {
      const page = await question(cursor);
      set({ items: [...before, ...page.items], begun: true, busy: false, ...(page.next ? { next: page.next } : {}) });
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      set((state) => ({ ...state, busy: false, trouble: error }));
    }
  }, needs);
  useEffect(() => {
    void load(undefined, []);
  }, [load]);
  const again = () => load(undefined, []);
  useOnline(state.trouble, again);
  return { ...state, more: () => load(state.next, state.items), again };
}

export function More({ pages }: { pages: { next?: string; busy: boolean; more: () => void } }) {
  if (!pages.next) return null;
  return (
    <button type="button" class="button" disabled={pages.busy} onClick={pages.more}>
      {text.value.doing.more}
    </button>
  );
}
