/** The visibility of an image or a video, and its share links. */
import "./shares.css";

import { useState } from "preact/hooks";

import { api, idempotencyHeader, type Schema, unwrap } from "../../api/client";
import { dateTime, text } from "../../text";
import { CopyField } from "../../ui/copy-field";
import { Select } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { useIdempotencyKey, useMutation, useQuery } from "../../ui/query";
import { ErrorNotice, Loading } from "../../ui/states";
import { showToast } from "../../ui/toasts";
import { keyOf } from "../gallery/feed";

type Generation = Schema["GenerationView"];
type Output = Schema["OutputView"];
type Share = Schema["ShareView"];

const HOUR_S = 3_600;
/** How long a share link can be valid, in seconds. */
const LIFETIMES_S = {
  hour: HOUR_S,
  day: 24 * HOUR_S,
  week: 7 * 24 * HOUR_S,
  month: 30 * 24 * HOUR_S,
  year: 365 * 24 * HOUR_S,
} as const;
type Lifetime = keyof typeof LIFETIMES_S;

interface Properties {
  generation: Generation;
  output: Output;
  onChanged: (generation: Generation) => void;
}

export function Sharing(properties: Properties) {
  const t = text.value.shares;
  const key = keyOf(properties.generation.id, properties.output.number);
  return (
    <section class="stack" aria-label={t.title}>
      <h3>{t.title}</h3>
      {properties.output.restricted_by && (
        <div class="notice error">
          <p>{t.restricted}</p>
          <a class="button small" href="/account/moderation">
            {t.openCases}
          </a>
        </div>
      )}
      <Visibility key={`visibility-${key}`} {...properties} />
      <ShareLinks key={key} {...properties} />
    </section>
  );
}

function Visibility({ generation, output, onChanged }: Properties) {
  const t = text.value.shares;
  const mutation = useMutation();
  // A choice is shown at once; if it fails, the actual visibility is shown again.
  const [chosen, setChosen] = useState<{ visibility: Output["visibility"]; show_prompt: boolean }>();
  const current = chosen ?? output;
  const change = async (visibility: Output["visibility"], show_prompt: boolean) => {
    const body = { visibility, show_prompt };
    setChosen(body);
    await mutation.run(async () => {
      const params = { path: { id: generation.id, output: output.number }, ...idempotencyHeader() };
      onChanged(await unwrap(api.PUT("/v1/generations/{id}/outputs/{output}/visibility", { params, body })));
      if (visibility !== output.visibility) showToast(visibility === "public" ? t.madePublic : t.madePrivate);
    });
    setChosen(undefined);
  };
  const options = [
    ["private", t.private, t.privateText[generation.kind], "lock"],
    ["public", t.public, t.publicText[generation.kind], "globe"],
  ] as const;
  return (
    <fieldset class="stack tight" disabled={mutation.busy}>
      <legend class="visually-hidden">{t.title}</legend>
      {options.map(([value, label, description, icon]) => (
        <label class="visibility-option" key={value}>
          <input
            type="radio"
            name="visibility"
            checked={current.visibility === value}
            onChange={() => void change(value, false)}
          />
          <Icon name={icon} />
          <span>
            <strong>{label}</strong>
            <span class="small muted">{description}</span>
          </span>
        </label>
      ))}
      {current.visibility === "public" && (
        <label class="checkbox">
          <input
            type="checkbox"
            checked={current.show_prompt}
            onChange={(event) => void change("public", event.currentTarget.checked)}
          />
          {t.showPrompt}
        </label>
      )}
      <ErrorNotice error={mutation.error} />
    </fieldset>
  );
}

function ShareLinks({ generation, output, onChanged }: Properties) {
  const t = text.value.shares;
  const path = { id: generation.id, output: output.number };
  const shares = useQuery(
    async () => (await unwrap(api.GET("/v1/generations/{id}/outputs/{output}/shares", { params: { path } }))).items,
    [path.id, path.output],
  );
  const mutation = useMutation();
  const update = (items: Share[]) => {
    shares.setData(items);
    const expiries = items.map(({ expires_at }) => expires_at).sort();
    const changed = { ...output, shared_until: expiries.at(-1) ?? null };
    const outputs = generation.outputs.map((other) => (other.number === output.number ? changed : other));
    onChanged({ ...generation, outputs });
  };
  const revoke = (share: Share) =>
    mutation.run(async () => {
      const params = { path: { ...path, share: share.id }, ...idempotencyHeader() };
      await unwrap(api.DELETE("/v1/generations/{id}/outputs/{output}/shares/{share}", { params }));
      update((shares.data ?? []).filter((other) => other.id !== share.id));
      showToast(t.revoked);
    });
  return (
    <div class="stack">
      <h3>{t.links}</h3>
      <p class="small muted">{t.linksText[generation.kind]}</p>
      {!shares.data && shares.busy && <Loading />}
      <ErrorNotice error={shares.error ?? mutation.error} retry={shares.error ? shares.refetch : undefined} />
      <ul class="links">
        {shares.data?.map((share) => (
          <li key={share.id}>
            {share.token && <CreatedLink token={share.token} />}
            <div class="row spread small">
              <span>
                {t.expires(dateTime(share.expires_at))}
                {share.show_prompt && `, ${t.withPrompt}`}
              </span>
              <button type="button" class="button ghost small" disabled={mutation.busy} onClick={() => revoke(share)}>
                {t.revoke}
              </button>
            </div>
          </li>
        ))}
      </ul>
      {shares.data?.length === 0 && <p class="small">{t.noLinks}</p>}
      <CreateLink
        path={path}
        mutation={mutation}
        disabled={!shares.data}
        onCreated={(share) => update([...(shares.data ?? []), share])}
      />
    </div>
  );
}

interface CreateLinkProperties {
  path: { id: string; output: number };
  /** That of the list: while one change is under way, there is no other, as each makes the list anew. */
  mutation: ReturnType<typeof useMutation>;
  disabled: boolean;
  onCreated: (share: Share) => void;
}

function CreateLink({ path, mutation, disabled, onCreated }: CreateLinkProperties) {
  const t = text.value.shares;
  const [lifetime, setLifetime] = useState<Lifetime>("week");
  const [showPrompt, setShowPrompt] = useState(false);
  const key = useIdempotencyKey();
  const create = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = { expires_in_s: LIFETIMES_S[lifetime], show_prompt: showPrompt };
      const params = { path, ...key.paramsFor(body) };
      onCreated(await unwrap(api.POST("/v1/generations/{id}/outputs/{output}/shares", { params, body })));
      key.reset();
    });
  };
  const options = (Object.keys(LIFETIMES_S) as Lifetime[]).map((value) => ({ value, label: t.lifetimes[value] }));
  return (
    <form class="stack tight" onSubmit={create}>
      <Select
        label={t.expiresAfter}
        value={lifetime}
        options={options}
        onValue={(value) => setLifetime(value as Lifetime)}
      />
      <label class="checkbox">
        <input type="checkbox" checked={showPrompt} onChange={(event) => setShowPrompt(event.currentTarget.checked)} />
        {t.showPrompt}
      </label>
      <button type="submit" class="button" disabled={disabled || mutation.busy}>
        <Icon name="link" />
        {t.create}
      </button>
    </form>
  );
}

/** A link that was just created. Its token is in this one response and stored nowhere. */
function CreatedLink({ token }: { token: string }) {
  const t = text.value.shares;
  return <CopyField label={t.links} value={`${location.origin}/s/${token}`} hint={t.copyNow} />;
}
