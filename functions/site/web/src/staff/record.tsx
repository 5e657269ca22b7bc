/** The record: every act of staff. */
import { useEffect, useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, number } from "../text";
import { Field, Select } from "../ui/field";
import { useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { csv } from "./csv";
import { saveFile } from "./files";
import { StaffPage } from "./layout";
import { staffText } from "./text";

type Entry = Schema["RecordEntry"];

/** The number of entries on each page of the API. */
const PAGE_SIZE = 100;
/** The most entries that are shown; an export has all. */
const SHOWN = 200;

/** Loads the whole record, newest entry first. */
async function loadRecord(): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) };
    const page: Schema["RecordPage"] = await unwrap(api.GET("/v1/staff/record", { params: { query } }));
    entries.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return entries;
}

/** Returns what stands in the record for an id. */
async function subjectOf(id: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id.trim().toLowerCase()));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function Record() {
  const t = staffText.value.record;
  const record = useQuery(loadRecord);
  const [act, setAct] = useState("");
  const [member, setMember] = useState("");
  const [account, setAccount] = useState("");
  const [subject, setSubject] = useState("");
  useEffect(() => {
    if (account.trim() === "") setSubject("");
    else void subjectOf(account).then(setSubject);
  }, [account]);
  const names: Record<string, string> = t.acts;
  const entries = record.data ?? [];
  const shown = entries.filter(
    (entry) =>
      (act === "" || entry.act.kind === act) &&
      (member === "" || entry.act.staff === member) &&
      (subject === "" || entry.act.subject === subject),
  );
  const choices = (values: readonly string[], all: string, name: (value: string) => string) => [
    { value: "", label: all },
    ...[...new Set(values)].sort().map((value) => ({ value, label: name(value) })),
  ];
  return (
    <StaffPage lead={t.lead}>
      <Verification />
      {!record.data && record.busy && <Loading />}
      <ErrorNotice error={record.error} retry={record.refetch} />
      {record.data && (
        <>
          <Select
            label={t.act}
            value={act}
            onValue={setAct}
            options={choices(
              entries.map((entry) => entry.act.kind),
              t.allActs,
              (kind) => names[kind] ?? kind,
            )}
          />
          <Select
            label={t.member}
            value={member}
            onValue={setMember}
            options={choices(
              entries.map((entry) => entry.act.staff),
              t.allMembers,
              (name) => name,
            )}
          />
          <Field label={t.account} optional value={account} onValue={setAccount} maxlength={100} />
          <div class="row">
            <button type="button" class="button" onClick={() => saveEntries(shown)}>
              {t.export} ({number(shown.length)})
            </button>
          </div>
          {shown.length === 0 && <p class="muted">{t.empty}</p>}
          <dl class="log">
            {shown.slice(0, SHOWN).map((entry) => (
              <div key={entry.number} class="log-entry">
                <dt>
                  <strong>
                    {number(entry.number)} · {names[entry.act.kind] ?? entry.act.kind}
                  </strong>
                  <time datetime={entry.act.at}>{dateTime(entry.act.at)}</time>
                </dt>
                <dd class="small muted">
                  <span>
                    {t.member} <code>{entry.act.staff}</code> · {t.subject}{" "}
                    <code>{entry.act.subject.slice(0, 16)}</code> · {t.hash} <code>{entry.hash.slice(0, 16)}</code>
                  </span>
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </StaffPage>
  );
}

function Verification() {
  const t = staffText.value.record;
  const mutation = useMutation();
  const [found, setFound] = useState<Schema["RecordVerification"]>();
  const verify = () => void mutation.run(async () => setFound(await unwrap(api.GET("/v1/staff/record/verification"))));
  return (
    <div class="stack tight">
      <div class="row">
        <button type="button" class="button" disabled={mutation.busy} onClick={verify}>
          {t.verify}
        </button>
      </div>
      <ErrorNotice error={mutation.error} />
      {found && (
        <p class={found.broken_at ? "notice error" : "notice success"} role="status">
          {found.broken_at
            ? t.broken(number(found.broken_at))
            : t.whole(found.entries, found.last?.hash.slice(0, 16) ?? "–")}
        </p>
      )}
    </div>
  );
}

/** Saves these entries as CSV. */
function saveEntries(entries: readonly Entry[]): void {
  const header = ["number", "at", "staff", "kind", "subject", "digest", "previous", "hash"];
  const rows = entries.map(({ number, act, previous, hash }) => [
    String(number),
    act.at,
    act.staff,
    act.kind,
    act.subject,
    act.digest,
    previous,
    hash,
  ]);
  saveFile("record.csv", csv([header, ...rows]), "text/csv");
}
