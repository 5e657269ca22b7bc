/** The statement of a period, which the usage chart and the list of transactions show. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { RadioGroup } from "../ui/field";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { CreditsPage } from "./layout";

export type Statement = Schema["Statement"];
export type LedgerEntry = Schema["EntryView"];

const PERIODS = ["month", "last", "quarter", "all"] as const;
type Period = (typeof PERIODS)[number];

/** The number of entries on each page of the API. */
const PAGE_SIZE = 100;

/** Returns the bounds of a period in the time zone of the browser; undefined is open. */
export function periodBounds(period: Period, now: Date): { from?: Date; to?: Date } {
  const month = (offset: number) => new Date(now.getFullYear(), now.getMonth() + offset, 1);
  switch (period) {
    case "month":
      return { from: month(0) };
    case "last":
      return { from: month(-1), to: month(0) };
    case "quarter":
      return { from: month(-2) };
    case "all":
      return {};
  }
}

/** Loads all pages of a period. */
async function loadStatement(period: Period): Promise<Statement> {
  const { from, to } = periodBounds(period, new Date());
  const query = {
    limit: PAGE_SIZE,
    ...(from ? { from: from.toISOString() } : {}),
    ...(to ? { to: to.toISOString() } : {}),
  };
  const first = await unwrap<Statement>(api.GET("/v1/account/statement", { params: { query } }));
  const whole = { ...first, entries: [...first.entries], prompts: [...first.prompts] };
  // A cursor carries its period: the first page has fixed the open ends.
  let cursor = first.next;
  while (cursor) {
    const params = { query: { ...query, cursor } };
    const page: Statement = await unwrap(api.GET("/v1/account/statement", { params }));
    whole.entries.push(...page.entries);
    whole.prompts.push(...page.prompts);
    whole.closing = page.closing;
    cursor = page.next;
  }
  return whole;
}

/** A page about a period that the person chooses. */
export function StatementPage({ children }: { children: (statement: Statement) => ComponentChildren }) {
  const t = text.value.credits;
  const [period, setPeriod] = useState<Period>("month");
  const statement = useQuery(() => loadStatement(period), [period]);
  return (
    <CreditsPage>
      <RadioGroup
        label={t.period}
        value={period}
        onValue={setPeriod}
        options={PERIODS.map((value) => ({ value, label: t.periods[value] }))}
      />
      <ErrorNotice error={statement.error} retry={statement.refetch} />
      {!statement.data && statement.busy && <Loading />}
      {statement.data && children(statement.data)}
    </CreditsPage>
  );
}
