/** What staff do with a case beside deciding it: who has it, and their notes. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, number } from "../text";
import { ActionButton, TextForm } from "./forms";
import { caseId, type Review } from "./reviews";
import { staffText } from "./text";

type Case = Schema["OpenCaseId"];

interface Properties {
  review: Review;
  /** Another member has the case now, or nobody. */
  onAssigned: (holder: string | undefined) => void;
}

export function CaseWork({ review, onAssigned }: Properties) {
  const id = caseId(review);
  if (!id) return null;
  return (
    <>
      <Assignment id={id} review={review} onAssigned={onAssigned} />
      {"account" in id && <Notes id={id} count={review.notes ?? 0} />}
    </>
  );
}

function Assignment({ id, review: { holder, mine }, onAssigned }: Properties & { id: Case }) {
  const t = staffText.value.cases.work;
  const assign = (take: boolean) => async (params: object) => {
    const body = { case: id, take, ...(holder ? { holder } : {}) };
    const assigned = await unwrap<Schema["AssignmentView"]>(api.POST("/v1/staff/reviews/assignment", { params, body }));
    onAssigned(assigned.holder ?? undefined);
  };
  if (mine) return <ActionButton key="back" label={t.giveBack} run={assign(false)} />;
  if (holder) return <ActionButton key={holder} label={t.takeOver} hint={t.takeOverHint} run={assign(true)} />;
  return <ActionButton key="take" label={t.take} run={assign(true)} />;
}

function Notes({ id, count }: { id: Case; count: number }) {
  const t = staffText.value.cases.work;
  const [notes, setNotes] = useState<readonly Schema["CaseNote"][]>();
  const [added, setAdded] = useState<readonly Schema["CaseNote"][]>([]);
  const read = async () => {
    const body = { case: id };
    const found = await unwrap<Schema["NotesView"]>(api.POST("/v1/staff/reviews/notes/reads", { body }));
    setNotes(found.notes);
    setAdded([]);
  };
  const add = async (text: string, params: object) => {
    const body = { case: id, text };
    const note = await unwrap<Schema["NoteView"]>(api.POST("/v1/staff/reviews/notes", { params, body }));
    setAdded((before) => [...before, { ...note, text }]);
  };
  const all = [...(notes ?? []), ...added];
  return (
    <section class="stack tight">
      <h3>{t.notes}</h3>
      {count > 0 && !notes && <ActionButton label={t.readNotes(number(count))} hint={t.readHint} run={read} />}
      {all.map(({ staff, at, text }) => (
        <p key={`${at} ${text}`} dir="auto">
          <code>{staff}</code> <span class="small muted">{dateTime(at)}</span>
          <br />
          {text}
        </p>
      ))}
      <TextForm
        label={t.note}
        hint={t.noteHint}
        field="text"
        maxlength={1000}
        actions={[{ label: t.addNote, run: add }]}
      />
    </section>
  );
}
