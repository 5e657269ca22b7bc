/** Dialogs that ask for a sign-in above the current page, which then continues. */
import { signal } from "@preact/signals";

import { ApiError } from "../api/error";
import { session, signOut } from "../api/session";
import { navigate } from "../router";
import { text } from "../text";
import { Dialog } from "../ui/dialog";
import { SignInForm } from "./sign-in";

const requested = signal<{ resolve: () => void; reject: () => void } | undefined>(undefined);

/** Runs a request that needs a recent sign-in. If the sign-in is too old, asks for another one and repeats the request. */
export async function withRecentSignIn<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof ApiError) || error.type !== "recent-sign-in-needed") throw error;
    await new Promise<void>((resolve, reject) => {
      requested.value = { resolve, reject: () => reject(error) };
    }).finally(() => {
      requested.value = undefined;
    });
    return request();
  }
}

export function SignInDialogs() {
  const t = text.value;
  if (session.value === "expired") {
    const leave = async () => {
      await signOut();
      navigate("/");
    };
    return (
      <Dialog title={t.accounts.sessionExpired}>
        <p class="muted">{t.accounts.sessionExpiredText}</p>
        <SignInForm />
        <button type="button" class="button ghost" onClick={leave}>
          {t.accounts.signOut}
        </button>
      </Dialog>
    );
  }
  if (!requested.value) return null;
  return (
    <Dialog title={t.accounts.confirmIdentity} onClose={requested.value.reject}>
      <p class="muted">{t.accounts.confirmIdentityText}</p>
      <SignInForm onSignedIn={requested.value.resolve} />
      <button type="button" class="button ghost" onClick={requested.value.reject}>
        {t.actions.cancel}
      </button>
    </Dialog>
  );
}
