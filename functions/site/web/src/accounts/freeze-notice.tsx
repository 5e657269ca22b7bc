import type { Schema } from "../api/client";
import { text } from "../text";

/** Says why an account cannot spend credits, if it is frozen. */
export function FreezeNotice({ account }: { account: Schema["AccountView"] }) {
  const t = text.value;
  if (account.frozen_for.length === 0) return null;
  return (
    <div class="notice error">
      <div>
        <strong>{t.accounts.frozen}</strong>
        {account.frozen_for.map((freeze) => (
          <p key={freeze.at}>
            {t.accounts.freezeReasons[freeze.reason]} {freeze.note}
          </p>
        ))}
      </div>
      <a class="button small" href="/support">
        {t.footer.support}
      </a>
    </div>
  );
}
