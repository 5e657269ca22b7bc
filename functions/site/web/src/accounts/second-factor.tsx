/** Two-factor authentication: an authenticator app and passkeys, which are added and removed, and recovery codes. */
import { useState } from "preact/hooks";

import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { dateTime, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { CodeField, Field } from "../ui/field";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { createPasskey, hasPasskeys } from "./passkey";
import { withRecentSignIn } from "./sign-in-dialog";

export function SecondFactor() {
  const t = text.value.accounts.secondFactor;
  const state = useQuery(() => unwrap(api.GET("/v1/account/second-factor")));
  const [recoveryCodes, setRecoveryCodes] = useState<string[]>([]);
  const added = async (codes: string[]) => {
    // An account that had a second factor gets no new codes.
    if (codes.length > 0) setRecoveryCodes(codes);
    await state.refetch();
  };
  const removed = async () => {
    setRecoveryCodes([]);
    await state.refetch();
  };
  const { data } = state;
  const enabled = data && (data.app || data.passkeys.length > 0);
  return (
    <section class="card stack">
      <h2>{t.title}</h2>
      {!data && state.busy && <Loading />}
      <ErrorNotice error={state.error} />
      {data && <p class="muted prose">{enabled ? t.on(data.recovery_codes) : t.off}</p>}
      {recoveryCodes.length > 0 && <RecoveryCodes codes={recoveryCodes} done={() => setRecoveryCodes([])} />}
      {data && <App exists={data.app} added={added} removed={removed} />}
      {data && (hasPasskeys() || data.passkeys.length > 0) && (
        <Passkeys passkeys={data.passkeys} added={added} removed={removed} />
      )}
    </section>
  );
}

interface ChangeProperties {
  /** Continues after one was added, with the recovery codes that came with it. */
  added: (recoveryCodes: string[]) => Promise<void>;
  removed: () => Promise<void>;
}

function App({ exists, added, removed }: ChangeProperties & { exists: boolean }) {
  const t = text.value.accounts.secondFactor;
  const mutation = useMutation();
  const [setup, setSetup] = useState<Schema["SecondFactorSetup"]>();
  const begin = () =>
    mutation.run(async () => {
      const params = idempotencyHeader();
      setSetup(await withRecentSignIn(() => unwrap(api.POST("/v1/account/second-factor/app", { params }))));
    });
  const remove = () =>
    mutation.run(async () => {
      const params = idempotencyHeader();
      await withRecentSignIn(() => unwrap(api.DELETE("/v1/account/second-factor/app", { params })));
      await removed();
    });
  const turnedOn = async (codes: string[]) => {
    setSetup(undefined);
    await added(codes);
  };
  return (
    <div class="stack">
      <h3>{t.app}</h3>
      <ErrorNotice error={mutation.error} />
      {setup && <Setup setup={setup} turnedOn={turnedOn} />}
      {!setup && (
        <div>
          <button type="button" class="button" disabled={mutation.busy} onClick={exists ? remove : begin}>
            {exists ? t.removeApp : t.addApp}
          </button>
        </div>
      )}
    </div>
  );
}

function Passkeys({ passkeys, added, removed }: ChangeProperties & { passkeys: Schema["PasskeyView"][] }) {
  const t = text.value.accounts.secondFactor;
  const mutation = useMutation();
  const remove = (id: string) =>
    mutation.run(async () => {
      const params = { path: { id }, ...idempotencyHeader() };
      await withRecentSignIn(() => unwrap(api.DELETE("/v1/account/second-factor/passkeys/{id}", { params })));
      await removed();
    });
  return (
    <div class="stack">
      <h3>{t.passkeys}</h3>
      <ErrorNotice error={mutation.error} />
      {passkeys.length > 0 && (
        <ul class="links">
          {passkeys.map(({ id, name, added_at, last_used_at }) => (
            <li key={id} class="row spread small">
              <span>
                <strong>{name}</strong>
                <br />
                <span class="muted">
                  {t.added(dateTime(added_at))} · {last_used_at ? t.lastUsed(dateTime(last_used_at)) : t.neverUsed}
                </span>
              </span>
              <button
                type="button"
                class="button ghost small"
                aria-label={t.removePasskey(name)}
                disabled={mutation.busy}
                onClick={() => remove(id)}
              >
                {t.remove}
              </button>
            </li>
          ))}
        </ul>
      )}
      {hasPasskeys() && <AddPasskey added={added} />}
    </div>
  );
}

function AddPasskey({ added }: Pick<ChangeProperties, "added">) {
  const t = text.value.accounts.secondFactor;
  const mutation = useMutation();
  const [name, setName] = useState("");
  const [canceled, setCanceled] = useState(false);
  const add = (event: Event) => {
    event.preventDefault();
    setCanceled(false);
    void mutation.run(async () => {
      const begin = () => unwrap(api.POST("/v1/account/second-factor/passkeys", { params: idempotencyHeader() }));
      const created = await createPasskey(await withRecentSignIn(begin));
      if (!created) return setCanceled(true);
      const [body, params] = [{ name, ...created }, idempotencyHeader()];
      const made = await unwrap(api.POST("/v1/account/second-factor/passkeys/confirmation", { body, params }));
      setName("");
      await added(made.recovery_codes);
    });
  };
  const { error } = mutation;
  const isRefused = error?.hasField("attestation_object") || error?.hasField("client_data");
  return (
    <form class="stack" onSubmit={add}>
      <Field
        label={t.passkeyName}
        hint={t.passkeyNameHint}
        required
        maxlength={64}
        error={fieldMessage(error, "name")}
        value={name}
        onValue={setName}
      />
      <ErrorNotice error={error} message={isRefused ? t.passkeyRefused : undefined} />
      {canceled && <p role="status">{t.passkeyCanceled}</p>}
      <div>
        <button type="submit" class="button" disabled={mutation.busy}>
          {t.addPasskey}
        </button>
      </div>
    </form>
  );
}

interface SetupProperties {
  setup: Schema["SecondFactorSetup"];
  turnedOn: (recoveryCodes: string[]) => Promise<void>;
}

function Setup({ setup, turnedOn }: SetupProperties) {
  const t = text.value.accounts.secondFactor;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [code, setCode] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = { setup: setup.setup, code };
      const params = key.paramsFor(body);
      const made = await unwrap(api.POST("/v1/account/second-factor/app/confirmation", { body, params }));
      await turnedOn(made.recovery_codes);
    });
  };
  const { error } = mutation;
  return (
    <form class="stack" onSubmit={submit}>
      <p>{t.setUp}</p>
      <dl class="facts">
        <dt>{t.key}</dt>
        <dd>
          <code>{setup.secret.match(/.{1,4}/g)?.join(" ")}</code>
        </dd>
      </dl>
      <p>
        <a href={setup.uri}>{t.openApp}</a>
      </p>
      <CodeField
        label={t.appCode}
        value={code}
        onValue={setCode}
        error={error?.hasField("setup") ? t.setupExpired : error?.hasField("code") ? t.codeRule : undefined}
      />
      <ErrorNotice error={error} />
      <div>
        <button type="submit" class="button primary" disabled={mutation.busy}>
          {t.confirm}
        </button>
      </div>
    </form>
  );
}

function RecoveryCodes({ codes, done }: { codes: string[]; done: () => void }) {
  const t = text.value.accounts.secondFactor;
  return (
    <div class="notice" role="status">
      <div class="stack tight">
        <strong>{t.recoveryTitle}</strong>
        <p>{t.recoveryText}</p>
        <ul>
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ul>
        <div>
          <button type="button" class="button" onClick={done}>
            {t.recoverySaved}
          </button>
        </div>
      </div>
    </div>
  );
}
