/** The price of the draft. */
import { useEffect, useState } from "preact/hooks";

import { currentAccount } from "../../accounts/account";
import { api, type Schema, unwrap } from "../../api/client";
import { ApiError } from "../../api/error";
import { useRetryWhenOnline } from "../../ui/query";
import { draft, draftRequest } from "./draft";

/** How long the settings must stay unchanged before the price is requested, in milliseconds. */
const DEBOUNCE_MS = 200;

/** Returns the price of the draft; undefined while it is being requested. */
export function usePrice() {
  const [quote, setQuote] = useState<{ key: string; price?: Schema["QuoteView"]; error?: ApiError }>();
  const [attempt, setAttempt] = useState(0);
  const { model, size, duration, quality, count } = draft.value;
  const available = currentAccount.value?.credits.available;
  const key = [model, size, duration, quality, count, available].join();
  useEffect(() => {
    if (!model) return;
    const control = new AbortController();
    const timer = setTimeout(() => {
      // The prompt does not change the price, and is not sent before the person submits it.
      const body = draftRequest({
        ...draft.peek(),
        prompt: "?",
        negativePrompt: "",
        seed: "",
        referenceImage: undefined,
      });
      unwrap(api.POST("/v1/generations/quote", { body, signal: control.signal })).then(
        (price) => setQuote({ key, price }),
        (error: unknown) => {
          if (control.signal.aborted) return;
          if (!(error instanceof ApiError)) throw error;
          setQuote({ key, error });
        },
      );
    }, DEBOUNCE_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [key, attempt]);
  const { price, error } = quote?.key === key ? quote : {};
  const retry = () => setAttempt(attempt + 1);
  useRetryWhenOnline(error, retry);
  return { price, error, retry };
}
