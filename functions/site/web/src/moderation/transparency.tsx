/** The transparency report: what was reported and decided, by month and reason. */
import { Fragment } from "preact";

import { api, type Schema, unwrap } from "../api/client";
import { hours, monthName, number, text } from "../text";
import { Page } from "../ui/page";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";

/** The counts, in the order in which they are shown. */
const FIELDS = [
  "reports",
  "cases",
  "kept",
  "restricted",
  "removed",
  "hidden_automatically",
  "suspensions",
  "freezes",
  "appeals",
  "appeals_upheld",
  "appeals_reversed",
] as const;

export function Transparency() {
  const t = text.value.moderation.transparency;
  const report = useQuery(() => unwrap<Schema["TransparencyReport"]>(api.GET("/v1/transparency")));
  const counts = report.data?.counts ?? [];
  const months = [...new Set(counts.map(({ month }) => month))];
  return (
    <Page title={t.title} lead={t.lead} wide>
      {!report.data && report.busy && <Loading />}
      <ErrorNotice error={report.error} retry={report.refetch} />
      {report.data && months.length === 0 && <p>{t.empty}</p>}
      {months.map((month) => (
        <Month key={month} month={month} counts={counts.filter((counts) => counts.month === month)} />
      ))}
      {report.data && !report.data.complete && <p class="muted">{t.incomplete}</p>}
    </Page>
  );
}

function Month({ month, counts }: { month: string; counts: Schema["OutcomeCounts"][] }) {
  const t = text.value.moderation;
  const words = t.transparency;
  return (
    <section class="card stack tight">
      <h2>{monthName(month)}</h2>
      {counts.map((counts) => (
        <section key={counts.reason} class="stack tight" aria-label={t.reasons[counts.reason]}>
          <h3>{t.reasons[counts.reason]}</h3>
          <dl class="facts counts">
            {FIELDS.map((field) => (
              <Fragment key={field}>
                <dt>{words.fields[field]}</dt>
                <dd>{number(counts[field])}</dd>
              </Fragment>
            ))}
            <dt>{words.median}</dt>
            <dd>{hours(counts.median_decision_s)}</dd>
          </dl>
        </section>
      ))}
    </section>
  );
}
