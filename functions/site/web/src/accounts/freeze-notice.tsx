import type { Schema } from "../api/client";
import { text } from "../text";

/** Why an account may not spend, if that is so. */
export function Frozen({ account }: { account: Schema["AccountView"] }) {
  const t = text.value;
  if (account.frozen_for.length === 0) return null;
  return (
    <div class="notice bad">
      <div>
        <strong>{t.account.frozen}</strong>
        {account.frozen_for.map((freeze) => (
          <p key={freeze.at}>
            {t.account.freezes[freeze.reason]} {freeze.note}
          </p>
        ))}
      </div>
      <a class="button small" href="/support">
        {t.foot.support}
      </a>
    </div>
  );
}
