/** Two-factor authentication: set up with an authenticator app, with recovery codes, and turned off. */
import { useState } from "preact/hooks";

import { api, idempotencyHeader, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { CodeField } from "../ui/field";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { withRecentSignIn } from "./sign-in-dialog";

const PATH = "/v1/account/second-factor";

export function SecondFactor() {
  const t = text.value.accounts.secondFactor;
  const state = useQuery(() => unwrap(api.GET(PATH)));
  const mutation = useMutation();
  const [setup, setSetup] = useState<Schema["SecondFactorSetup"]>();
  const [recoveryCodes, setRecoveryCodes] = useState<string[]>();
  const begin = () =>
    mutation.run(async () => {
      const params = idempotencyHeader();
      setSetup(await withRecentSignIn(() => unwrap(api.POST(PATH, { params }))));
    });
  const turnOff = () =>
    mutation.run(async () => {
      const params = idempotencyHeader();
      await withRecentSignIn(() => unwrap(api.DELETE(PATH, { params })));
      setRecoveryCodes(undefined);
      await state.refetch();
    });
  const turnedOn = async (codes: string[]) => {
    setRecoveryCodes(codes);
    setSetup(undefined);
    await state.refetch();
  };
  return (
    <section class="card stack">
      <h2>{t.title}</h2>
      {!state.data && state.busy && <Loading />}
      <ErrorNotice error={state.error ?? mutation.error} />
      {state.data && <p class="muted prose">{state.data.enabled ? t.on(state.data.recovery_codes) : t.off}</p>}
      {recoveryCodes && <RecoveryCodes codes={recoveryCodes} done={() => setRecoveryCodes(undefined)} />}
      {setup && <Setup setup={setup} turnedOn={turnedOn} />}
      {state.data && !setup && (
        <div>
          <button
            type="button"
            class="button"
            disabled={mutation.busy}
            onClick={() => void (state.data?.enabled ? turnOff() : begin())}
          >
            {state.data.enabled ? t.turnOff : t.turnOn}
          </button>
        </div>
      )}
    </section>
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
      const made = await unwrap(api.POST("/v1/account/second-factor/confirmation", { body, params }));
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
