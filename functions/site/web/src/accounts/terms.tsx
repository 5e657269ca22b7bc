/** The terms of service and acceptable use. */
import { api, unwrap } from "../api/client";
import { date, language, text } from "../text";
import { Page } from "../ui/page";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";

export function Terms() {
  const t = text.value.accounts.terms;
  const query = useQuery(() => unwrap(api.GET("/v1/terms")));
  const terms = query.data;
  return (
    <Page title={t.title} lead={terms && t.since(date(terms.version))} narrow>
      {!terms && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {terms?.[language.value].map(({ title, text, items = [] }) => (
        <section key={title} class="stack tight prose">
          <h2>{title}</h2>
          <p class="lines">{text}</p>
          {items.length > 0 && (
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
