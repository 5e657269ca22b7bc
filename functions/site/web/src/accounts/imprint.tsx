/** Who operates the service, and how they are reached. */
import { service } from "../service";
import { language, text } from "../text";
import { Page } from "../ui/page";

export function Imprint() {
  const { name, imprint, contact } = service.value;
  const t = text.value.accounts.imprint;
  const other = language.value === "de" ? imprint?.en : imprint?.de;
  const shown = imprint?.[language.value] || other;
  return (
    <Page title={text.value.footer.imprint} lead={t.lead(name)} narrow>
      {shown && <p class="prose lines">{shown}</p>}
      {contact && (
        <p>
          {t.contact} <a href={`mailto:${contact}`}>{contact}</a>
        </p>
      )}
      {!shown && !contact && <p class="muted">{t.none}</p>}
    </Page>
  );
}
