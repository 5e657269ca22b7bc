/** The terms of service and acceptable use. */
import { date, language, text } from "../text";
import { Page } from "../ui/page";
import { TERMS } from "./terms-text";
import { TERMS_VERSION } from "./terms-version";

export function Terms() {
  const t = text.value.accounts.terms;
  return (
    <Page title={t.title} lead={t.since(date(TERMS_VERSION))} narrow>
      {TERMS[language.value].map(({ title, text, items }) => (
        <section key={title} class="stack tight prose">
          <h2>{title}</h2>
          <p>{text}</p>
          {items && (
            <ul>
              {items.map((item) => (
                <li key={item}>{item}</li>
              ))}
            </ul>
          )}
        </section>
      ))}
    </Page>
  );
}
