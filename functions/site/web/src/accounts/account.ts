/** The person's account, as the API last told it. */
import { effect, signal, untracked } from "@preact/signals";

import { api, ask, once, type Schema } from "../api/client";
import { Trouble } from "../api/error";
import { session } from "../api/session";
import * as preferences from "./preferences";

/** The account; nothing before it is known, and without a session. */
export const me = signal<Schema["AccountView"] | undefined>(undefined);
/** Why it is not known, if that is so. */
export const trouble = signal<Trouble | undefined>(undefined);
/** Whether the account is being deleted, and so opens nothing else. */
export const closing = signal(false);

/** Follows the session: who signs in is loaded, who signs out is forgotten. */
export function follow(): void {
  effect(() => {
    // What asking for it reads and writes is no reason to ask again.
    if (session.value === "open") untracked(() => void load());
    if (session.value === "none") {
      me.value = undefined;
      closing.value = false;
    }
  });
}

/** Asks the API once more: after whatever moved credits. */
export async function load(): Promise<void> {
  try {
    const first = me.value === undefined;
    me.value = await ask(api.GET("/v1/account"));
    closing.value = false;
    trouble.value = undefined;
    if (first) await preferences.adopt(me.value.preferences);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (error.kind === "closing") closing.value = true;
    else trouble.value = error;
  }
}

/** Changes something of the account. */
export async function correct(body: Schema["AccountCorrection"]): Promise<void> {
  me.value = await ask(api.PATCH("/v1/account", { body, params: once() }));
}
