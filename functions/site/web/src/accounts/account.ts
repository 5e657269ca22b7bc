/** The account of the person who is signed in. */
import { effect, signal, untracked } from "@preact/signals";

import { api, idempotencyHeader, onOutsideChange, type Schema, unwrap } from "../api/client";
import { ApiError } from "../api/error";
import { session } from "../api/session";
import { applyAccountPreferences } from "./preferences";

/** The account; undefined before it is loaded and while nobody is signed in. */
export const currentAccount = signal<Schema["AccountView"] | undefined>(undefined);
/** Why the account could not be loaded. */
export const accountError = signal<ApiError | undefined>(undefined);
/** Whether the account is being deleted: only its deletion can be opened then. */
export const isDeleting = signal(false);

/** Loads the account on sign-in and when another tab changes it, and forgets it on sign-out. */
export function followSession(): void {
  onOutsideChange(loadAccount);
  effect(() => {
    // Signals that loading reads must not run this effect again.
    if (session.value === "signed-in") untracked(() => void loadAccount());
    if (session.value === "signed-out") {
      currentAccount.value = undefined;
      isDeleting.value = false;
    }
  });
}

/** Loads the account again, after anything that changes its credits. */
export async function loadAccount(): Promise<void> {
  try {
    const isFirst = currentAccount.value === undefined;
    currentAccount.value = await unwrap(api.GET("/v1/account"));
    isDeleting.value = false;
    accountError.value = undefined;
    if (isFirst) await applyAccountPreferences(currentAccount.value.preferences);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.type === "account-deleting") isDeleting.value = true;
    else accountError.value = error;
  }
}

/** Changes fields of the account. */
export async function updateAccount(body: Schema["AccountCorrection"]): Promise<void> {
  currentAccount.value = await unwrap(api.PATCH("/v1/account", { body, params: idempotencyHeader() }));
}
