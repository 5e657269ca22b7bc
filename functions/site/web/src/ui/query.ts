/** Hooks for API requests: the result, the error, and whether a request is in flight. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { type IdempotencyHeader, idempotencyHeader } from "../api/client";
import { ApiError } from "../api/error";

/** Returns the error if the API caused it; throws any other, which is a bug and must not be hidden. */
function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}

/** Calls `retry` when the connection is back, if there was an error. */
export function useRetryWhenOnline(error: ApiError | undefined, retry: () => unknown): void {
  const latest = useRef(retry);
  latest.current = retry;
  useEffect(() => {
    if (!error) return;
    const listen = () => void latest.current();
    addEventListener("online", listen);
    return () => removeEventListener("online", listen);
  }, [error]);
}

/** Loads data when the component appears, and again whenever one of `dependencies` changes. */
export function useQuery<T>(load: () => Promise<T>, dependencies: readonly unknown[] = []) {
  const [state, setState] = useState<{ data?: T; error?: ApiError; busy: boolean }>({ busy: true });
  const latest = useRef(0);
  const refetch = useCallback(async () => {
    const turn = ++latest.current;
    setState((before) => ({ ...before, busy: true }));
    try {
      const data = await load();
      if (turn === latest.current) setState({ data, busy: false });
    } catch (caught) {
      const error = asApiError(caught);
      if (turn === latest.current) setState((before) => ({ ...before, error, busy: false }));
    }
  }, dependencies);
  useEffect(() => {
    void refetch();
    return () => {
      latest.current++;
    };
  }, [refetch]);
  useRetryWhenOnline(state.error, refetch);
  const setData = (data: T) => {
    // What is being loaded is older.
    latest.current++;
    setState({ data, busy: false });
  };
  return { ...state, refetch, setData };
}

/** Runs a change that a person asked for. `run` resolves to whether it succeeded. */
export function useMutation() {
  const [state, setState] = useState<{ error?: ApiError | undefined; busy: boolean }>({ busy: false });
  const run = useCallback(async (change: () => Promise<unknown>): Promise<boolean> => {
    setState({ busy: true });
    try {
      await change();
      setState({ busy: false });
      return true;
    } catch (error) {
      setState({ busy: false, error: asApiError(error) });
      return false;
    }
  }, []);
  return { ...state, run };
}

/**
 * Keeps one `Idempotency-Key` for one request body until `reset`, so that a second press after a lost response changes
 * nothing. Another body gets another key.
 */
export function useIdempotencyKey() {
  const latest = useRef<{ body: string; params: IdempotencyHeader } | undefined>(undefined);
  const paramsFor = (body: unknown) => {
    const text = JSON.stringify(body);
    if (latest.current?.body !== text) latest.current = { body: text, params: idempotencyHeader() };
    return latest.current.params;
  };
  const reset = () => {
    latest.current = undefined;
  };
  return { paramsFor, reset };
}
