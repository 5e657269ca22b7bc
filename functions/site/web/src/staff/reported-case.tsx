/** What was reported in a moderation case, and the decision about it or about its appeal. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, text } from "../text";
import { RadioGroup, Select } from "../ui/field";
import { ActionButton, Facts, TextForm } from "./forms";
import { staffText } from "./text";

type OpenCase = Schema["OpenCaseView"];
type Reason = Schema["ReportReason"];
type Action = Schema["DecisionAction"];

export function ReportedCase({ review, onDone }: { review: OpenCase; onDone: () => void }) {
  const t = staffText.value.cases;
  const [found, setFound] = useState<Schema["StaffCaseView"]>();
  const path = { account: review.account, case: review.id };
  const read = async () => {
    setFound(await unwrap(api.POST("/v1/staff/accounts/{account}/cases/{case}/reads", { params: { path } })));
  };
  if (!found) return <ActionButton label={t.show} hint={t.showHint} run={read} />;
  const { appeal } = found.case;
  return (
    <>
      <Reported path={path} found={found} />
      {appeal && <Facts facts={[[t.appealText, appeal.text]]} />}
      {appeal ? (
        <AppealDecision path={path} onDone={onDone} />
      ) : (
        <Decision path={path} review={review} onDone={onDone} />
      )}
    </>
  );
}

function Reported({ path, found }: { path: DecisionProperties["path"]; found: Schema["StaffCaseView"] }) {
  const t = staffText.value.cases;
  const { file, prompt, reports } = found;
  return (
    <>
      {!file && <p class="muted">{t.gone}</p>}
      {file &&
        (file.content_type.startsWith("video/") ? (
          <video src={file.url} controls preload="metadata" />
        ) : (
          <img src={file.url} alt={prompt ?? t.kinds.case} />
        ))}
      <Facts
        facts={[
          [t.facts.account, <code key="account">{path.account}</code>],
          [t.facts.case, <code key="case">{path.case}</code>],
          [t.prompt, prompt],
        ]}
      />
      <ul class="stack tight">
        {reports.map((report) => (
          <li key={report.id}>
            <strong>{t.report(text.value.moderation.reasons[report.reason], dateTime(report.created_at))}</strong>
            <p dir="auto">{report.explanation}</p>
            {report.signature && <p class="small muted">{t.signed(report.signature)}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}

interface DecisionProperties {
  path: { account: string; case: string };
  onDone: () => void;
}

function Decision({ path, review, onDone }: DecisionProperties & { review: OpenCase }) {
  const t = staffText.value.cases;
  const reasons = text.value.moderation.reasons;
  const [action, setAction] = useState<Action>("keep");
  const [reason, setReason] = useState<Reason>(review.reason);
  const [suspend, setSuspend] = useState(false);
  const [freeze, setFreeze] = useState(false);
  const decide = async (explanation: string, params: object) => {
    const body = { action, reason, explanation, suspend_publishing: suspend, freeze };
    await unwrap(api.POST("/v1/staff/accounts/{account}/cases/{case}/decision", { params: { path, ...params }, body }));
    onDone();
  };
  return (
    <TextForm
      label={t.explanation}
      field="explanation"
      maxlength={2000}
      also={[action, reason, suspend, freeze]}
      actions={[{ label: t.decide, run: decide }]}
    >
      <RadioGroup
        label={t.action}
        value={action}
        onValue={setAction}
        options={(["keep", "restrict", "remove"] as const).map((value) => ({ value, label: t.actions[value] }))}
      />
      <Select
        label={t.rule}
        value={reason}
        onValue={(value) => setReason(value as Reason)}
        options={Object.entries(reasons).map(([value, label]) => ({ value, label }))}
      />
      {action !== "keep" && (
        <>
          <Checkbox label={t.suspend} checked={suspend} onChecked={setSuspend} />
          <Checkbox label={t.freeze} checked={freeze} onChecked={setFreeze} />
        </>
      )}
    </TextForm>
  );
}

function Checkbox({
  label,
  checked,
  onChecked,
}: {
  label: string;
  checked: boolean;
  onChecked: (checked: boolean) => void;
}) {
  return (
    <label class="checkbox">
      <input type="checkbox" checked={checked} onChange={(event) => onChecked(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

function AppealDecision({ path, onDone }: DecisionProperties) {
  const t = staffText.value.cases;
  const decide = (reversed: boolean) => async (explanation: string, params: object) => {
    const body = { reversed, explanation };
    await unwrap(
      api.POST("/v1/staff/accounts/{account}/cases/{case}/appeal/decision", { params: { path, ...params }, body }),
    );
    onDone();
  };
  return (
    <TextForm
      label={t.explanation}
      field="explanation"
      maxlength={2000}
      actions={[
        { label: t.uphold, run: decide(false) },
        { label: t.reverse, run: decide(true) },
      ]}
    />
  );
}
