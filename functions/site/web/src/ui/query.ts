/** How a component asks the API: what came, what went wrong, and that it is still going on. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { once } from "../api/client";
import { Trouble } from "../api/error";

/** Anything that is no trouble is a mistake of ours, and must not be hidden. */
function asTrouble(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  throw error;
}

/** What could not be asked is asked again when the connection is back. */
export function useOnline(trouble: Trouble | undefined, again: () => unknown): void {
  const latest = useRef(again);
  latest.current = again;
  useEffect(() => {
    if (!trouble) return;
    const listen = () => void latest.current();
    addEventListener("online", listen);
    return () => removeEventListener("online", listen);
  }, [trouble]);
}

/** Something that is asked for when the component appears, and whenever one of `needs` changes. */
export function useAsked<T>(question: () => Promise<T>, needs: readonly unknown[] = []) {
  const [state, set] = useState<{ value?: T; trouble?: Trouble; busy: boolean }>({ busy: true });
  const latest = useRef(0);
  const again = useCallback(async () => {
    const turn = ++latest.current;
    set((before) => ({ ...before, busy: true }));
    try {
      const value = await question();
      if (turn === latest.current) set({ value, busy: false });
    } catch (error) {
      const trouble = asTrouble(error);
      if (turn === latest.current) set((before) => ({ ...before, trouble, busy: false }));
    }
  }, needs);
  useEffect(() => {
    void again();
    return () => {
      latest.current++;
    };
  }, [again]);
  useOnline(state.trouble, again);
  return { ...state, again, set: (value: T) => set({ value, busy: false }) };
}

/** Something that the person does. Whether it worked is its answer. */
export function useAct() {
  const [state, set] = useState<{ trouble?: Trouble | undefined; busy: boolean }>({ busy: false });
  const act = useCallback(async (deed: () => Promise<unknown>): Promise<boolean> => {
    set({ busy: true });
    try {
      await deed();
      set({ busy: false });
      return true;
    } catch (error) {
      set({ busy: false, trouble: asTrouble(error) });
      return false;
    }
  }, []);
  return { ...state, act };
}

/**
 * The `Idempotency-Key` of something that is typed and sent: it stays for the same body until that was taken, so that pressed
 * again after a lost answer it is done once. What is typed anew is another deed.
 */
export function useKey() {
  const latest = useRef<{ typed: string; params: ReturnType<typeof once> } | undefined>(undefined);
  const of = (body: unknown) => {
    const typed = JSON.stringify(body);
    if (latest.current?.typed !== typed) latest.current = { typed, params: once() };
    return latest.current.params;
  };
  const taken = () => {
    latest.current = undefined;
  };
  return { of, taken };
}
