/** Legal holds and disclosures: what a law or a court demands. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { number, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Area, Field } from "../ui/field";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { StaffPage } from "./layout";
import { staffText } from "./text";

/** The kinds of data that a hold can retain, and a disclosure contain. */
const KINDS = [
  "account",
  "ledger",
  "payment",
  "generation",
  "generations",
  "upload",
  "uploads",
  "activity",
  "access",
  "correction",
  "ticket",
] as const;

type HoldRequest = Schema["HoldRequest"];
type Header = ReturnType<ReturnType<typeof useIdempotencyKey>["paramsFor"]>;

export function Legal() {
  const t = staffText.value.legal;
  const place = async (account: string, body: HoldRequest, params: Header) => {
    const path = { account };
    const placed = await unwrap<Schema["PlacedHoldView"]>(
      api.POST("/v1/staff/accounts/{account}/holds", { params: { path, ...params }, body }),
    );
    return t.held(placed.id);
  };
  const disclose = async (account: string, { covers, ...why }: HoldRequest, params: Header) => {
    const body = { ...why, kinds: covers };
    const path = { account };
    const created = await unwrap<Schema["DisclosureView"]>(
      api.POST("/v1/staff/accounts/{account}/disclosures", { params: { path, ...params }, body }),
    );
    return t.disclosed(created.id);
  };
  return (
    <StaffPage lead={t.lead}>
      <Demand title={t.holdTitle} button={t.hold} send={place} />
      <Release />
      <Demand title={t.discloseTitle} button={t.disclose} send={disclose} />
      <Download />
    </StaffPage>
  );
}

interface DemandProperties {
  title: string;
  button: string;
  /** Sends it, and resolves to what happened. */
  send: (account: string, body: HoldRequest, params: Header) => Promise<string>;
}

/** A form for what an authority demands by law: the account, the kinds of data, why, and whether its owner may know. */
function Demand({ title, button, send }: DemandProperties) {
  const t = staffText.value.legal;
  const names: Record<string, string> = text.value.privacy.kinds;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [account, setAccount] = useState("");
  const [reference, setReference] = useState("");
  const [reason, setReason] = useState("");
  const [covers, setCovers] = useState<readonly string[]>([]);
  const [silentUntil, setSilentUntil] = useState("");
  const [basis, setBasis] = useState("");
  const [done, setDone] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    setDone("");
    void mutation.run(async () => {
      const silence = silentUntil
        ? { undisclosed_until: new Date(silentUntil).toISOString(), undisclosed_basis: basis }
        : {};
      const body = { reference, reason, covers: [...covers], ...silence };
      setDone(await send(account.trim(), body, key.paramsFor([account, body])));
      key.reset();
    });
  };
  const error = (field: string) => fieldMessage(mutation.error, field);
  return (
    <section class="card stack">
      <h2>{title}</h2>
      <form class="stack" onSubmit={submit}>
        <Field label={t.account} value={account} onValue={setAccount} required maxlength={100} />
        <Field
          label={t.reference}
          value={reference}
          onValue={setReference}
          required
          maxlength={100}
          error={error("reference")}
        />
        <Area
          label={t.reason}
          rows={2}
          value={reason}
          onValue={setReason}
          required
          maxlength={500}
          error={error("reason")}
        />
        <fieldset class="stack tight">
          <legend class="label">{t.kinds}</legend>
          {KINDS.map((kind) => (
            <label class="checkbox" key={kind}>
              <input
                type="checkbox"
                checked={covers.includes(kind)}
                onChange={(event) =>
                  setCovers(event.currentTarget.checked ? [...covers, kind] : covers.filter((other) => other !== kind))
                }
              />
              <span>
                <code>{kind}</code> {names[kind]}
              </span>
            </label>
          ))}
        </fieldset>
        <Field label={t.silence} type="date" optional value={silentUntil} onValue={setSilentUntil} />
        {silentUntil && (
          <Field
            label={t.basis}
            value={basis}
            onValue={setBasis}
            required
            maxlength={500}
            error={error("undisclosed_basis")}
          />
        )}
        <ErrorNotice error={mutation.error} />
        {done && (
          <p class="notice success" role="status">
            {done}
          </p>
        )}
        <div class="row">
          <button type="submit" class="button" disabled={mutation.busy || covers.length === 0}>
            {button}
          </button>
        </div>
      </form>
    </section>
  );
}

function Release() {
  const t = staffText.value.legal;
  const release = async (account: string, hold: string, params: Header) => {
    const path = { account, hold };
    await unwrap(api.DELETE("/v1/staff/accounts/{account}/holds/{hold}", { params: { path, ...params } }));
    return <p class="notice success">{t.released}</p>;
  };
  return <ById title={t.releaseTitle} label={t.holdId} button={t.release} run={release} />;
}

function Download() {
  const t = staffText.value.legal;
  const load = async (account: string, disclosure: string) => {
    const path = { account, disclosure };
    const found = await unwrap<Schema["DisclosureView"]>(
      api.GET("/v1/staff/accounts/{account}/disclosures/{disclosure}", { params: { path } }),
    );
    return (
      <ul class="stack tight">
        {found.url && (
          <li>
            <a href={found.url} target="_blank" rel="noreferrer">
              {t.document}
            </a>{" "}
            {t.items(number(found.items ?? 0))}
          </li>
        )}
        {found.files?.map((file) => (
          <li key={file.name}>
            <a href={file.url} target="_blank" rel="noreferrer">
              {file.name}
            </a>
          </li>
        ))}
      </ul>
    );
  };
  return <ById title={t.downloadTitle} label={t.disclosureId} button={t.download} run={load} />;
}

interface ByIdProperties {
  title: string;
  label: string;
  button: string;
  /** Does it, and resolves to what is shown then. */
  run: (account: string, id: string, params: Header) => Promise<preact.JSX.Element>;
}

/** A form for something of an account that has an id. */
function ById({ title, label, button, run }: ByIdProperties) {
  const t = staffText.value.legal;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [account, setAccount] = useState("");
  const [id, setId] = useState("");
  const [done, setDone] = useState<preact.JSX.Element>();
  const submit = (event: Event) => {
    event.preventDefault();
    setDone(undefined);
    void mutation.run(async () => {
      setDone(await run(account.trim(), id.trim(), key.paramsFor([account, id])));
      key.reset();
    });
  };
  return (
    <section class="card stack">
      <h2>{title}</h2>
      <form class="stack" onSubmit={submit}>
        <Field label={t.account} value={account} onValue={setAccount} required maxlength={100} />
        <Field label={label} value={id} onValue={setId} required maxlength={100} />
        <ErrorNotice error={mutation.error} />
        {done}
        <div class="row">
          <button type="submit" class="button" disabled={mutation.busy}>
            {button}
          </button>
        </div>
      </form>
    </section>
  );
}
