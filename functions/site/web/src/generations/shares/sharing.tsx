/** Who sees a picture: nobody, everybody, or whoever has a link. */
import { useRef, useState } from "preact/hooks";

import { api, ask, once, type Schema } from "../../api/client";
import { moment, text } from "../../text";
import { Select } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { useAct, useAsked, useKey } from "../../ui/query";
import { Loading, TroubleNotice } from "../../ui/states";
import { say } from "../../ui/toasts";

type Generation = Schema["GenerationView"];
type Share = Schema["ShareView"];

const HOUR_S = 3_600;
const LIVES = {
  hour: HOUR_S,
  day: 24 * HOUR_S,
  week: 7 * 24 * HOUR_S,
  month: 30 * 24 * HOUR_S,
  year: 365 * 24 * HOUR_S,
} as const;

interface Properties {
  generation: Generation;
  onChanged: (generation: Generation) => void;
}

export function Sharing({ generation, onChanged }: Properties) {
  const t = text.value;
  return (
    <section class="stack" aria-label={t.viewer.seen}>
      <h3>{t.viewer.seen}</h3>
      <WhoSees key={`seen-${generation.id}`} generation={generation} onChanged={onChanged} />
      <Links key={generation.id} generation={generation} onChanged={onChanged} />
    </section>
  );
}

function WhoSees({ generation, onChanged }: Properties) {
  const t = text.value.sharing;
  const act = useAct();
  // What was chosen is shown at once; if it does not come about, what is true is shown again.
  const [chosen, choose] = useState<{ visibility: Generation["visibility"]; show_prompt: boolean }>();
  const { visibility: seen, show_prompt: told } = chosen ?? generation;
  const show = async (visibility: Generation["visibility"], show_prompt: boolean) => {
    choose({ visibility, show_prompt });
    await act.act(async () => {
      const params = { path: { id: generation.id }, ...once() };
      onChanged(await ask(api.PUT("/v1/generations/{id}/visibility", { params, body: { visibility, show_prompt } })));
      if (visibility !== generation.visibility) say(visibility === "public" ? t.nowPublic : t.nowPrivate);
    });
    choose(undefined);
  };
  const options = [
    ["private", t.private, t.privateText, "lock"],
    ["public", t.public, t.publicText, "globe"],
  ] as const;
  return (
    <fieldset class="stack tight" disabled={act.busy}>
      <legend class="aside">{text.value.viewer.seen}</legend>
      {options.map(([value, label, words, icon]) => (
        <label class="seen-choice" key={value}>
          <input type="radio" name="visibility" checked={seen === value} onChange={() => void show(value, false)} />
          <Icon name={icon} />
          <span>
            <strong>{label}</strong>
            <span class="small soft">{words}</span>
          </span>
        </label>
      ))}
      {seen === "public" && (
        <label class="tick">
          <input
            type="checkbox"
            checked={told}
            onChange={(event) => void show("public", event.currentTarget.checked)}
          />
          {t.showPrompt}
        </label>
      )}
      <TroubleNotice trouble={act.trouble} />
    </fieldset>
  );
}

function Links({ generation, onChanged }: Properties) {
  const t = text.value.sharing;
  const { id } = generation;
  const shares = useAsked(
    async () => (await ask(api.GET("/v1/generations/{id}/shares", { params: { path: { id } } }))).items,
    [id],
  );
  const act = useAct();
  const update = (items: Share[]) => {
    shares.set(items);
    const latest =
      items
        .map(({ expires_at }) => expires_at)
        .sort()
        .at(-1) ?? null;
    onChanged({ ...generation, shared_until: latest });
  };
  const revoke = (share: Share) =>
    act.act(async () => {
      await ask(
        api.DELETE("/v1/generations/{id}/shares/{share}", { params: { path: { id, share: share.id }, ...once() } }),
      );
      update((shares.value ?? []).filter((other) => other.id !== share.id));
      say(t.revoked);
    });
  return (
    <div class="stack">
      <h3>{t.links}</h3>
      <p class="small soft">{t.linksText}</p>
      {!shares.value && shares.busy && <Loading />}
      <TroubleNotice trouble={shares.trouble ?? act.trouble} retry={shares.trouble ? shares.again : undefined} />
      <ul class="links">
        {shares.value?.map((share) => (
          <li key={share.id}>
            {share.token && <Fresh token={share.token} />}
            <div class="row apart small">
              <span>
                {t.until(moment(share.expires_at))}
                {share.show_prompt && `, ${t.withPrompt}`}
              </span>
              <button type="button" class="button quiet small" disabled={act.busy} onClick={() => revoke(share)}>
                {t.revoke}
              </button>
            </div>
          </li>
        ))}
      </ul>
      {shares.value?.length === 0 && <p class="small">{t.noLinks}</p>}
      <NewLink generation={generation} onMade={(share) => update([...(shares.value ?? []), share])} />
    </div>
  );
}

function NewLink({ generation, onMade }: { generation: Generation; onMade: (share: Share) => void }) {
  const t = text.value.sharing;
  const act = useAct();
  const [lives, live] = useState<keyof typeof LIVES>("week");
  const [prompt, show] = useState(false);
  const key = useKey();
  const make = (event: Event) => {
    event.preventDefault();
    void act.act(async () => {
      const body = { expires_in_s: LIVES[lives], show_prompt: prompt };
      const params = { path: { id: generation.id }, ...key.of(body) };
      onMade(await ask(api.POST("/v1/generations/{id}/shares", { params, body })));
      key.taken();
    });
  };
  const options = (Object.keys(LIVES) as (keyof typeof LIVES)[]).map((value) => ({ value, label: t[value] }));
  return (
    <form class="stack tight" onSubmit={make}>
      <Select label={t.lives} value={lives} options={options} onValue={(value) => live(value as keyof typeof LIVES)} />
      <label class="tick">
        <input type="checkbox" checked={prompt} onChange={(event) => show(event.currentTarget.checked)} />
        {t.showPrompt}
      </label>
      <TroubleNotice trouble={act.trouble} />
      <button type="submit" class="button" disabled={act.busy}>
        <Icon name="link" />
        {t.make}
      </button>
    </form>
  );
}

/** A link that was made just now. Its token is told once and not kept anywhere. */
function Fresh({ token }: { token: string }) {
  const t = text.value;
  const [copied, set] = useState(false);
  const link = `${location.origin}/s/${token}`;
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      set(true);
    } catch {
      // The browser may forbid it: then it is marked, for the person to copy.
      field.current?.focus();
      say(t.sharing.marked);
    }
  };
  return (
    <div class="fresh stack tight">
      <input
        ref={field}
        class="input"
        readonly
        value={link}
        aria-label={t.sharing.links}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="row apart">
        <span class="small soft">{t.sharing.fresh}</span>
        <button type="button" class="button small primary" onClick={copy}>
          <Icon name={copied ? "check" : "copy"} />
          {copied ? t.doing.copied : t.doing.copy}
        </button>
      </div>
    </div>
  );
}
