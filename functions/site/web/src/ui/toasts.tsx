/** Short words about what was done, with a way back where there is one. */
import { signal } from "@preact/signals";

import { Trouble } from "../api/error";
import { text } from "../text";
import { told } from "./states";

interface Toast {
  id: number;
  words: string;
  undo?: (() => void) | undefined;
}

/** How long one stays, in milliseconds. */
const STAYS_MS = 6_000;
const toasts = signal<Toast[]>([]);
let count = 0;

function take(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says something. */
export function say(words: string, undo?: () => void): void {
  const id = ++count;
  toasts.value = [...toasts.value.slice(-2), { id, words, undo }];
  setTimeout(() => take(id), STAYS_MS);
}

/**
 * Does something only when the time to take it back is over, or the page is left.
 *
 * `undone` puts back what was hidden at once, also where it could not be done.
 */
export function doUnlessUndone(words: string, deed: () => Promise<unknown>, undone: () => void): void {
  const now = () => {
    clearTimeout(timer);
    removeEventListener("pagehide", now);
    deed().catch((error: unknown) => {
      undone();
      if (!(error instanceof Trouble)) throw error;
      say(told(error));
    });
  };
  const timer = setTimeout(now, STAYS_MS);
  addEventListener("pagehide", now);
  say(words, () => {
    clearTimeout(timer);
    removeEventListener("pagehide", now);
    undone();
  });
}

/** What was said. A dialog over everything has its own, as nothing outside of it is seen or heard. */
export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((toast) => (
        <div class="toast" key={toast.id}>
          <span>{toast.words}</span>
          {toast.undo && (
            <button
              type="button"
              class="button small"
              onClick={() => {
                take(toast.id);
                toast.undo?.();
              }}
            >
              {text.value.doing.undo}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
