/** Short messages about what happened, some of which can be undone. */
import { signal } from "@preact/signals";

import { ApiError } from "../api/error";
import { text } from "../text";
import { errorMessage } from "./error-message";

interface Toast {
  id: number;
  message: string;
  undo?: (() => void) | undefined;
}

/** How long a toast stays, in milliseconds. */
const DURATION_MS = 6_000;
/** The most toasts that are shown at once. */
const MAX_TOASTS = 3;
const toasts = signal<Toast[]>([]);
let lastId = 0;

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Shows a message for some seconds. Returns a function that removes it earlier. */
export function showToast(message: string, undo?: () => void): () => void {
  const id = ++lastId;
  toasts.value = [...toasts.value.slice(1 - MAX_TOASTS), { id, message, undo }];
  setTimeout(() => dismiss(id), DURATION_MS);
  return () => dismiss(id);
}

/**
 * Runs an action when the time to undo it is over or the page is left.
 *
 * `restore` shows again what was hidden at once; it runs on undo and when the action fails.
 */
export function runUnlessUndone(message: string, action: () => Promise<unknown>, restore: () => void): void {
  const run = () => {
    clearTimeout(timer);
    removeEventListener("pagehide", run);
    action().catch((error: unknown) => {
      restore();
      if (!(error instanceof ApiError)) throw error;
      showToast(errorMessage(error));
    });
  };
  const timer = setTimeout(run, DURATION_MS);
  addEventListener("pagehide", run);
  showToast(message, () => {
    clearTimeout(timer);
    removeEventListener("pagehide", run);
    restore();
  });
}

/** The current toasts. A modal dialog renders its own, as everything outside of it is inert. */
export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((toast) => (
        <div class="toast" key={toast.id}>
          <span>{toast.message}</span>
          {toast.undo && (
            <button
              type="button"
              class="button small"
              onClick={() => {
                dismiss(toast.id);
                toast.undo?.();
              }}
            >
              {text.value.actions.undo}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
