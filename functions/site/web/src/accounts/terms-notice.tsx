/** Asks people who have not accepted the present terms of service to do so. Nothing else waits for it. */
import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { date, text } from "../text";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { currentAccount } from "./account";

export function TermsNotice() {
  const t = text.value.accounts.terms;
  const mutation = useMutation();
  const account = currentAccount.value;
  if (!account || account.terms.accepted?.version === account.terms.version) return null;
  const { version } = account.terms;
  const accept = async () => {
    const body = { version };
    const terms = await unwrap<Schema["TermsView"]>(
      api.POST("/v1/account/terms", { body, params: idempotencyHeader() }),
    );
    currentAccount.value = { ...account, terms };
  };
  return (
    <section class="notice terms-notice" aria-label={t.title}>
      <p>
        {t.changed} <a href="/terms">{t.read(date(version))}</a>
      </p>
      <button type="button" class="button small" disabled={mutation.busy} onClick={() => void mutation.run(accept)}>
        {t.accept}
      </button>
      <ErrorNotice error={mutation.error} />
    </section>
  );
}
