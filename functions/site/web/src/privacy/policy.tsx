/** The promises, each with the page that keeps it, and the inventory as the programs declare it. */
import { useState } from "preact/hooks";

import { api, ask, type Schema } from "../api/client";
import { text } from "../text";
import { useAsked } from "../ui/query";
import { Loading, TroubleNotice } from "../ui/states";
import { Frame } from "./layout";

export function Promises() {
  const t = text.value.privacy;
  const groups = Object.entries(t.groups) as [keyof typeof t.groups, string][];
  return (
    <Frame lead={t.lead}>
      {groups.map(([group, title]) => (
        <section class="promises" key={group}>
          <h2>{title}</h2>
          <ul class="stack">
            {t.promises
              .filter((promise) => promise.group === group)
              .map((promise) => (
                <li key={promise.id} id={promise.id}>
                  <span class="soft small">{promise.id}</span>
                  <p>
                    {promise.text}{" "}
                    <a href={promise.to} aria-label={`${t.where}: ${promise.text}`}>
                      {t.where}
                    </a>
                  </p>
                </li>
              ))}
          </ul>
        </section>
      ))}
      <p>
        <a href="/v1/privacy/policy">{t.whole}</a>
      </p>
    </Frame>
  );
}

export function Inventory() {
  const t = text.value.privacy.inventory;
  const inventory = useAsked(() => ask(api.GET("/v1/privacy/inventory")));
  const kinds = inventory.value?.kinds ?? [];
  return (
    <Frame lead={t.lead}>
      {!inventory.value && inventory.busy && <Loading />}
      <TroubleNotice trouble={inventory.trouble} retry={inventory.again} />
      {([true, false] as const).map((personal) => {
        const listed = kinds.filter((kind) => kind.personal === personal);
        return (
          listed.length > 0 && (
            <section class="stack" key={String(personal)}>
              <h2>{personal ? t.personal : t.other}</h2>
              <ul class="kinds">
                {listed.map((kind) => (
                  <li key={kind.name}>
                    <KindCard kind={kind} />
                  </li>
                ))}
              </ul>
            </section>
          )
        );
      })}
    </Frame>
  );
}

function KindCard({ kind }: { kind: Schema["KindView"] }) {
  const t = text.value.privacy.inventory;
  const [open, show] = useState(false);
  return (
    <article class="card stack tight">
      <h3 lang="en">{kind.name}</h3>
      <p lang="en">{kind.purpose}</p>
      <dl class="facts small">
        <dt>{t.place}</dt>
        <dd lang="en">{kind.place}</dd>
        <dt>{t.until}</dt>
        <dd lang="en">{kind.kept}</dd>
        <dt>{t.taken}</dt>
        <dd lang="en">{kind.exported}</dd>
        <dt>{t.erased}</dt>
        <dd lang="en">{kind.erased}</dd>
      </dl>
      {kind.fields.length > 0 && (
        <details open={open} onToggle={(event) => show(event.currentTarget.open)}>
          <summary class="small">{t.made(kind.fields.length)}</summary>
          {open && (
            <p class="fields" dir="ltr">
              {kind.fields.map((field) => (
                <code key={field.path} class={field.personal ? "personal" : ""}>
                  {field.path}
                </code>
              ))}
            </p>
          )}
        </details>
      )}
    </article>
  );
}
