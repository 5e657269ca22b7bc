/** The deletion of the account: what is deleted, what the law keeps, and the receipt. */
import { useState } from "preact/hooks";

import { currentAccount, isDeleting, loadAccount } from "../accounts/account";
import { withRecentSignIn } from "../accounts/sign-in-dialog";
import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { date, dateTime, number, relativeTime, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Field } from "../ui/field";
import { useMutation, useQuery } from "../ui/query";
import { Empty, ErrorNotice, Loading } from "../ui/states";
import { useTitle } from "../ui/title";
import { showToast } from "../ui/toasts";
import { KindDescription, kindName } from "./inventory";
import { PrivacyPage } from "./layout";

type DeletionView = Schema["DeletionView"];
type Hold = DeletionView["held"][number];

export function Deletion() {
  const deletion = useQuery(
    async () => (isDeleting.value ? await unwrap<DeletionView>(api.GET("/v1/privacy/deletion")) : null),
    [isDeleting.value],
  );
  return (
    <PrivacyPage lead={text.value.privacy.deletion.lead}>
      {deletion.data === undefined && deletion.busy && <Loading />}
      <ErrorNotice error={deletion.error} retry={deletion.refetch} />
      {deletion.data === null && <RequestDeletion onRequested={deletion.setData} />}
      {deletion.data && <PendingDeletion deletion={deletion.data} onUndone={() => deletion.setData(null)} />}
    </PrivacyPage>
  );
}

function RequestDeletion({ onRequested }: { onRequested: (deletion: DeletionView) => void }) {
  const t = text.value.privacy.deletion;
  const mutation = useMutation();
  const [confirmation, setConfirmation] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const request = { body: { confirmation }, params: idempotencyHeader() };
      onRequested(await withRecentSignIn(() => unwrap<DeletionView>(api.POST("/v1/privacy/deletion", request))));
      isDeleting.value = true;
    });
  };
  const account = currentAccount.value;
  return (
    <>
      <Consequences />
      <form class="card stack" onSubmit={submit}>
        <Field
          label={t.confirm}
          hint={account?.email}
          type="email"
          autocomplete="off"
          required
          maxlength={128}
          value={confirmation}
          onValue={setConfirmation}
          error={fieldMessage(mutation.error, "confirmation")}
        />
        <ErrorNotice error={mutation.error} />
        <div>
          <button
            type="submit"
            class="button danger"
            disabled={mutation.busy || confirmation.toLowerCase() !== account?.email}
          >
            {t.submit}
          </button>
        </div>
      </form>
    </>
  );
}

/** The kinds of data that people know; the others are technical. */
const KNOWN_KINDS = ["account", "user", "generation", "generations", "upload", "uploads", "share", "ticket", "ledger"];

/** What a deletion removes, and what it does not. */
function Consequences() {
  const t = text.value.privacy.deletion;
  const inventory = useQuery(() => unwrap(api.GET("/v1/privacy/inventory")));
  const personal = inventory.data?.kinds.filter((kind) => kind.personal) ?? [];
  const known = personal.filter(({ name }) => KNOWN_KINDS.includes(name));
  const technical = personal.filter(({ name }) => !KNOWN_KINDS.includes(name));
  const account = currentAccount.value;
  return (
    <div class="card stack">
      <h2>{t.removed}</h2>
      <KindList kinds={known} />
      {technical.length > 0 && (
        <details>
          <summary class="small">{t.technical(technical.length)}</summary>
          <KindList kinds={technical} />
        </details>
      )}
      {account && account.credits.available > 0 && (
        <p>
          <strong>{t.creditsLost(account.credits.available)}</strong>
        </p>
      )}
      <h2>{t.kept}</h2>
      <p>{t.keptText}</p>
      <p>{t.giftsLeft}</p>
      {account?.held?.map((hold) => (
        <HoldNotice key={hold.at} hold={hold} />
      ))}
      <p>
        <a href="/privacy/export">{t.exportFirst}</a>
      </p>
    </div>
  );
}

function KindList({ kinds }: { kinds: readonly Schema["KindView"][] }) {
  return (
    <ul class="deletion-list">
      {kinds.map((kind) => (
        <li key={kind.name}>
          <KindDescription kind={kind} />
        </li>
      ))}
    </ul>
  );
}

function HoldNotice({ hold }: { hold: Hold }) {
  return (
    <div class="notice">
      <div>
        <strong>{text.value.privacy.deletion.held}</strong>
        <p>
          <bdi>{hold.reason}</bdi> ({hold.kinds.map(kindName).join("; ")})
        </p>
      </div>
    </div>
  );
}

function PendingDeletion({ deletion, onUndone }: { deletion: DeletionView; onUndone: () => void }) {
  const t = text.value.privacy.deletion;
  const mutation = useMutation();
  const undo = () =>
    mutation.run(async () => {
      await unwrap(api.DELETE("/v1/privacy/deletion", { params: idempotencyHeader() }));
      isDeleting.value = false;
      onUndone();
      await loadAccount();
      showToast(t.reverted);
    });
  const path = `/privacy/receipts/${deletion.receipt}`;
  return (
    <section class="card stack" aria-live="polite">
      <h2>{t.pending}</h2>
      <p>
        {t.requested(dateTime(deletion.requested_at))} {t.scheduled(relativeTime(deletion.erase_at))}
      </p>
      {deletion.held.map((hold) => (
        <HoldNotice key={hold.at} hold={hold} />
      ))}
      <h3>{t.receipt}</h3>
      <p class="muted">{t.receiptText}</p>
      <input
        class="input"
        readonly
        value={location.origin + path}
        aria-label={t.receipt}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="row">
        <a class="button" href={path}>
          {t.openReceipt}
        </a>
        {deletion.can_be_canceled && (
          <button type="button" class="button" disabled={mutation.busy} onClick={undo}>
            {t.undo}
          </button>
        )}
      </div>
      {deletion.can_be_canceled && <p class="small muted">{t.undoText}</p>}
      <ErrorNotice error={mutation.error} />
    </section>
  );
}

export function Receipt({ id }: { id: string }) {
  const t = text.value.privacy.receipt;
  useTitle(t.title);
  const params = { path: { id } };
  const query = useQuery(() => unwrap<Schema["ReceiptView"]>(api.GET("/v1/privacy/receipts/{id}", { params })), [id]);
  if (query.error?.status === 404) {
    return (
      <Empty page title={t.missing}>
        <p>{t.missingText}</p>
        <button type="button" class="button" disabled={query.busy} onClick={query.refetch}>
          {text.value.actions.retry}
        </button>
      </Empty>
    );
  }
  return (
    <div class="page narrow">
      <header>
        <h1>{t.title}</h1>
      </header>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && <ReceiptDetails receipt={query.data} refetch={query.refetch} />}
    </div>
  );
}

function ReceiptDetails({ receipt, refetch }: { receipt: Schema["ReceiptView"]; refetch: () => unknown }) {
  const t = text.value.privacy.receipt;
  const { payments_retained, payments_retained_until, provider_copies_left, erased_at } = receipt;
  return (
    <article class="card stack receipt">
      <p>
        <code>{receipt.id}</code>
      </p>
      <p>{erased_at ? t.completed(dateTime(erased_at)) : t.running}</p>
      <h2>{t.removed}</h2>
      <dl class="facts">
        {Object.entries(receipt.erased).map(([kind, count]) => (
          <div class="log-entry" key={kind}>
            <dt>{kindName(kind)}</dt>
            <dd>{number(count)}</dd>
          </div>
        ))}
      </dl>
      <h2>{t.kept}</h2>
      <p>
        {payments_retained > 0
          ? t.keptPayments(payments_retained, payments_retained_until ? date(payments_retained_until) : "")
          : t.noPayments}
      </p>
      {provider_copies_left > 0 && <p>{t.copies(provider_copies_left)}</p>}
      {!erased_at && (
        <div>
          <button type="button" class="button" onClick={refetch}>
            {text.value.actions.retry}
          </button>
        </div>
      )}
    </article>
  );
}
