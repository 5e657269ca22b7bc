/** Dialogs that ask for another sign-in, over the page that goes on afterwards. */
import { signal } from "@preact/signals";
import { Trouble } from "../api/error";
import { session, signOut } from "../api/session";
import { go } from "../router";
import { text } from "../text";
import { Dialog } from "../ui/dialog";
import { SignInForm } from "./sign-in";

const asked = signal<{ resolve: () => void; reject: () => void } | undefined>(undefined);

/** Does something for which the sign-in must be recent: asks for one where it is not, and does it then. */
export async function withRecentSignIn<T>(deed: () => Promise<T>): Promise<T> {
  try {
    return await deed();
  } catch (error) {
    if (!(error instanceof Trouble) || error.kind !== "recent-sign-in-needed") throw error;
    await new Promise<void>((resolve, reject) => {
      asked.value = { resolve, reject: () => reject(error) };
    }).finally(() => {
      asked.value = undefined;
    });
    return deed();
  }
}

export function SignInAgain() {
  const t = text.value;
  if (session.value === "expired") {
    const leave = async () => {
      await signOut();
      go("/");
    };
    return (
      <Dialog title={t.session.expired}>
        <p class="soft">{t.session.expiredText}</p>
        <SignInForm />
        <button type="button" class="button quiet" onClick={leave}>
          {t.session.signOut}
        </button>
      </Dialog>
    );
  }
  if (!asked.value) return null;
  return (
    <Dialog title={t.session.sure} onClose={asked.value.reject}>
      <p class="soft">{t.session.sureText}</p>
      <SignInForm then={asked.value.resolve} />
      <button type="button" class="button quiet" onClick={asked.value.reject}>
        {t.doing.cancel}
      </button>
    </Dialog>
  );
}
