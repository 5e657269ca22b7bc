/** The privacy promises, each with a link to the page where it can be checked. */
import { text } from "../text";
import { PrivacyPage } from "./layout";

export function Promises() {
  const t = text.value.privacy;
  const groups = Object.entries(t.groups) as [keyof typeof t.groups, string][];
  return (
    <PrivacyPage lead={t.lead}>
      {groups.map(([group, title]) => (
        <section class="promises" key={group}>
          <h2>{title}</h2>
          <ul class="stack">
            {t.promises
              .filter((promise) => promise.group === group)
              .map((promise) => (
                <li key={promise.id} id={promise.id}>
                  <span class="muted small">{promise.id}</span>
                  <p>
                    {promise.text}{" "}
                    <a href={promise.to} aria-label={`${t.check}: ${promise.text}`}>
                      {t.check}
                    </a>
                  </p>
                </li>
              ))}
          </ul>
        </section>
      ))}
      <p>
        <a href="/privacy/policy">{t.pages.policy}</a>
      </p>
    </PrivacyPage>
  );
}
