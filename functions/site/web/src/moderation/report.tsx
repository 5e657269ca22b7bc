/** The report of an image or a video that others can see. It needs no account. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, language, text } from "../text";
import { Dialog } from "../ui/dialog";
import { fieldMessage } from "../ui/error-message";
import { Area, Field, Select } from "../ui/field";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";

type Reason = Schema["ReportReason"];

/** The reasons, as the form lists them: the gravest first. */
const REASONS: readonly Reason[] = [
  "sexual_minors",
  "intimate_image",
  "explicit",
  "threat",
  "hate",
  "harassment",
  "privacy",
  "deceptive",
  "intellectual_property",
  "illegal",
  "terms",
];
const NEED_SIGNATURE: readonly Reason[] = ["intimate_image", "intellectual_property"];

/** A button that opens the report of the item with this token. */
export function ReportButton({ item }: { item: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button ghost small" onClick={() => setOpen(true)}>
        {text.value.moderation.report.open}
      </button>
      {open && <ReportDialog item={item} onClose={() => setOpen(false)} />}
    </>
  );
}

function ReportDialog({ item, onClose }: { item: string; onClose: () => void }) {
  const t = text.value.moderation;
  const mutation = useMutation();
  const [reason, setReason] = useState<Reason>("illegal");
  const [explanation, setExplanation] = useState("");
  const [signature, setSignature] = useState("");
  const [email, setEmail] = useState("");
  const [goodFaith, setGoodFaith] = useState(false);
  const [receipt, setReceipt] = useState<Schema["ReportReceipt"]>();
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = {
        item,
        reason,
        explanation,
        good_faith: goodFaith,
        language: language.value,
        ...(signature ? { signature } : {}),
        ...(email ? { email } : {}),
      };
      setReceipt(await unwrap<Schema["ReportReceipt"]>(api.POST("/v1/reports", { body })));
    });
  };
  if (receipt) {
    return (
      <Dialog title={t.report.sent} onClose={onClose}>
        <p role="status">{t.report.sentText(dateTime(receipt.decide_by), receipt.id)}</p>
        <div class="row">
          <button type="button" class="button primary" onClick={onClose}>
            {t.report.close}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.report.title} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Select
          label={t.report.reason}
          value={reason}
          options={REASONS.map((value) => ({ value, label: t.reasons[value] }))}
          onValue={(value) => setReason(value as Reason)}
          error={fieldMessage(mutation.error, "reason")}
        />
        <Area
          label={t.report.explanation}
          hint={t.report.explanationHint}
          required
          maxlength={2000}
          rows={4}
          value={explanation}
          onValue={setExplanation}
          error={fieldMessage(mutation.error, "explanation")}
        />
        <Field
          label={text.value.accounts.email}
          hint={t.report.emailHint}
          type="email"
          name="email"
          autocomplete="email"
          optional={reason === "sexual_minors"}
          required={reason !== "sexual_minors"}
          maxlength={128}
          value={email}
          onValue={setEmail}
          error={fieldMessage(mutation.error, "email")}
        />
        {NEED_SIGNATURE.includes(reason) && (
          <Field
            label={t.report.signature}
            hint={t.report.signatureHint}
            name="name"
            autocomplete="name"
            required
            maxlength={120}
            value={signature}
            onValue={setSignature}
            error={fieldMessage(mutation.error, "signature")}
          />
        )}
        <label class="checkbox">
          <input
            type="checkbox"
            required
            checked={goodFaith}
            onChange={(event) => setGoodFaith(event.currentTarget.checked)}
          />
          {t.report.goodFaith}
        </label>
        <ErrorNotice error={mutation.error} />
        <div class="row">
          <button type="submit" class="button primary" disabled={mutation.busy}>
            {t.report.send}
          </button>
          <button type="button" class="button ghost" onClick={onClose}>
            {text.value.actions.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
