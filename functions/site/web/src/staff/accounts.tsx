/** One account, under an access that its owner sees with its reason. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { query } from "../router";
import { dateTime } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area, Field, RadioGroup } from "../ui/field";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { AccountActs } from "./account-acts";
import { type Access, AccountData } from "./account-data";
import { StaffPage } from "./layout";
import { hasRole } from "./roles";
import { staffText } from "./text";

const KEYS = ["account", "email", "generation", "payment", "transaction"] as const;

type Key = (typeof KEYS)[number];

export function Accounts() {
  const t = staffText.value.accounts;
  const [access, setAccess] = useState<Access>();
  return (
    <StaffPage lead={t.lead}>
      {!access && <Find onFound={setAccess} />}
      {access && (
        <>
          <section class="card row spread">
            <div>
              <h2>
                <code>{access.account}</code>
              </h2>
              <p class="small muted">
                {t.until(dateTime(access.until))} {access.needsApproval && t.needsApproval}
              </p>
            </div>
            <button type="button" class="button small" onClick={() => setAccess(undefined)}>
              {t.end}
            </button>
          </section>
          {hasRole("support", "finance") && <AccountData access={access} />}
          <AccountActs account={access.account} />
        </>
      )}
    </StaffPage>
  );
}

function Find({ onFound }: { onFound: (access: Access) => void }) {
  const t = staffText.value.accounts;
  const mutation = useMutation();
  const idempotency = useIdempotencyKey();
  const [by, setBy] = useState<Key>("account");
  const [value, setValue] = useState(query.value.get("account") ?? "");
  const [reference, setReference] = useState(query.value.get("reference") ?? "");
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState("15");
  // Moderation acts on an account by its id, and reads none of its data.
  const reads = hasRole("support", "finance");
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const request = { reference, reason, minutes: Number(minutes) };
      const params = idempotency.paramsFor([by, value, request]);
      if (by === "account") {
        const path = { account: value.trim() };
        const opened = await unwrap<Schema["OpenedAccessView"]>(
          api.POST("/v1/staff/accounts/{account}/accesses", { params: { path, ...params }, body: request }),
        );
        return onFound(accessOf(path.account, opened));
      }
      const key = { [by]: value.trim() } as Schema["SearchKey"];
      const body = { key, access: request };
      const found = await unwrap<Schema["FoundAccountView"]>(api.POST("/v1/staff/searches", { params, body }));
      return onFound(accessOf(found.account, found.access));
    });
  };
  if (!reads) {
    return (
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          onFound({ account: value.trim(), access: "", until: new Date().toISOString(), needsApproval: false });
        }}
      >
        <Field label={t.keys.account} value={value} onValue={setValue} required maxlength={100} />
        <div class="row">
          <button type="submit" class="button primary">
            {t.show}
          </button>
        </div>
      </form>
    );
  }
  return (
    <form class="stack" onSubmit={submit}>
      <RadioGroup
        label={t.by}
        value={by}
        onValue={setBy}
        options={KEYS.map((key) => ({ value: key, label: t.keys[key] }))}
      />
      <Field
        label={t.value}
        value={value}
        onValue={setValue}
        required
        maxlength={200}
        autocomplete="off"
        error={fieldMessage(mutation.error, "key.email")}
      />
      <Field
        label={t.reference}
        hint={t.referenceHint}
        value={reference}
        onValue={setReference}
        required
        maxlength={100}
        error={fieldMessage(mutation.error, "reference")}
      />
      <Area
        label={t.reason}
        rows={2}
        value={reason}
        onValue={setReason}
        required
        maxlength={500}
        error={fieldMessage(mutation.error, "reason")}
      />
      <Field
        label={t.minutes}
        inputmode="numeric"
        value={minutes}
        onValue={setMinutes}
        required
        maxlength={2}
        error={fieldMessage(mutation.error, "minutes")}
      />
      <ErrorNotice error={mutation.error} message={mutation.error?.type === "not-found" ? t.notFound : undefined} />
      <div class="row">
        <button type="submit" class="button primary" disabled={mutation.busy}>
          {t.find}
        </button>
      </div>
    </form>
  );
}

function accessOf(account: string, opened: Schema["OpenedAccessView"]): Access {
  return { account, access: opened.id, until: opened.until, needsApproval: opened.needs_approval };
}
