/** The data inventory: every kind of data that is stored, as the programs declare it. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { PrivacyPage } from "./layout";

type Kind = Schema["KindView"];

export function Inventory() {
  const t = text.value.privacy.inventory;
  const inventory = useQuery(() => unwrap(api.GET("/v1/privacy/inventory")));
  const kinds = inventory.data?.kinds ?? [];
  return (
    <PrivacyPage lead={t.lead}>
      {!inventory.data && inventory.busy && <Loading />}
      <ErrorNotice error={inventory.error} retry={inventory.refetch} />
      {([true, false] as const).map((personal) => {
        const listed = kinds.filter((kind) => kind.personal === personal);
        return (
          listed.length > 0 && (
            <section class="stack" key={String(personal)}>
              <h2>{personal ? t.personal : t.other}</h2>
              <ul class="inventory">
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
    </PrivacyPage>
  );
}

/** Names a kind of data in plain words. */
export function kindName(name: string): string {
  const names: Record<string, string> = text.value.privacy.kinds;
  return names[name] ?? name;
}

/** Describes a kind of data in plain words. */
export function KindDescription({ kind }: { kind: Kind }) {
  const descriptions: Record<string, string> = text.value.privacy.kinds;
  const description = descriptions[kind.name];
  return description === undefined ? <span lang="en">{kind.purpose}</span> : <span>{description}</span>;
}

function retentionText(retention: Kind["retention"]): string {
  const t = text.value.privacy.inventory;
  switch (retention.rule) {
    case "days":
      return t.days(retention.days);
    case "configured":
      return t.configured(retention.default_days);
    default:
      return t.retentions[retention.rule];
  }
}

function KindCard({ kind }: { kind: Kind }) {
  const t = text.value.privacy.inventory;
  const [open, setOpen] = useState(false);
  return (
    <article class="card stack tight">
      <h3>
        <KindDescription kind={kind} />
      </h3>
      <dl class="facts small">
        <dt>{t.place}</dt>
        <dd>{t.places[kind.location]}</dd>
        <dt>{t.retention}</dt>
        <dd>{retentionText(kind.retention)}</dd>
        <dt>{t.exported}</dt>
        <dd>{kind.export !== "none" ? t.exports[kind.export] : kind.personal ? t.notExported : t.notPersonal}</dd>
        <dt>{t.erased}</dt>
        <dd>{t.erasures[kind.erasure]}</dd>
      </dl>
      {kind.fields.length > 0 && (
        <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary class="small">{t.fields(kind.fields.length)}</summary>
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
