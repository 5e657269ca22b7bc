/** What staff may do with an account. Each act has a reason that its owner reads. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { date, number, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Field, Select } from "../ui/field";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";
import { showToast } from "../ui/toasts";
import { saveFile } from "./files";
import { TextForm } from "./forms";
import { hasRole } from "./roles";
import { staffText } from "./text";

export function AccountActs({ account }: { account: string }) {
  const t = staffText.value.accounts;
  return (
    <section class="stack" aria-label={t.acts}>
      {hasRole("finance") && <Credits account={account} />}
      {hasRole("finance") && <Plan account={account} />}
      {hasRole("finance", "moderation") && <Spending account={account} />}
      {hasRole("moderation") && <Publishing account={account} />}
      {hasRole("moderation") && <CyberTip account={account} />}
      {hasRole("administrator") && <Sessions account={account} />}
      {hasRole("support") && <Deletion account={account} />}
    </section>
  );
}

function Act({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card stack">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Credits({ account }: { account: string }) {
  const t = staffText.value;
  const [amount, setAmount] = useState("");
  const credits = Number(amount);
  const apply = async (note: string, params: object) => {
    const body = { amount: credits, note };
    const balance = await unwrap<Schema["Balance"]>(
      api.POST("/v1/staff/accounts/{account}/credits", { params: { path: { account }, ...params }, body }),
    );
    setAmount("");
    showToast(t.accounts.applied(number(balance.available)));
  };
  return (
    <Act title={t.accounts.creditsTitle}>
      <TextForm
        label={t.accounts.reason}
        hint={t.cases.noteHint}
        field="note"
        also={amount}
        actions={[{ label: t.accounts.apply, run: apply }]}
      >
        <Field
          label={t.accounts.amount}
          hint={t.accounts.amountHint}
          value={amount}
          onValue={setAmount}
          required
          maxlength={7}
          pattern="-?[0-9]+"
        />
      </TextForm>
    </Act>
  );
}

const PLANS = ["free", "plus", "pro"] as const;

/** Grants a plan, on which the account is at least. */
function Plan({ account }: { account: string }) {
  const t = staffText.value;
  const names = text.value.payments.plans;
  const [plan, setPlan] = useState<(typeof PLANS)[number]>("pro");
  const grant = async (note: string, params: object) => {
    const body = { plan, note };
    const granted = await unwrap<Schema["GrantedPlanView"]>(
      api.POST("/v1/staff/accounts/{account}/plan", { params: { path: { account }, ...params }, body }),
    );
    showToast(t.accounts.onPlan(names[granted.plan]));
  };
  return (
    <Act title={t.accounts.planTitle}>
      <TextForm
        label={t.accounts.reason}
        hint={t.cases.noteHint}
        field="note"
        also={plan}
        actions={[{ label: t.accounts.grantPlan, run: grant }]}
      >
        <Select
          label={t.accounts.planAtLeast}
          hint={t.accounts.planHint}
          value={plan}
          options={PLANS.map((value) => ({ value, label: names[value] }))}
          onValue={(value) => setPlan(PLANS.find((one) => one === value) ?? "free")}
        />
      </TextForm>
    </Act>
  );
}

/** Allows something or forbids it, with a note. */
interface PermissionProps {
  title: string;
  allow: string;
  forbid: string;
  set: (body: { allowed: boolean; note: string }, params: object) => Promise<unknown>;
}

function Permission({ title, allow, forbid, set }: PermissionProps) {
  const t = staffText.value;
  const run = (allowed: boolean) => async (note: string, params: object) => {
    await set({ allowed, note }, params);
    showToast(t.accounts.changed);
  };
  return (
    <Act title={title}>
      <TextForm
        label={t.accounts.reason}
        hint={t.cases.noteHint}
        field="note"
        actions={[
          { label: allow, run: run(true) },
          { label: forbid, danger: true, run: run(false) },
        ]}
      />
    </Act>
  );
}

function Spending({ account }: { account: string }) {
  const t = staffText.value.accounts;
  return (
    <Permission
      title={t.spendingTitle}
      allow={t.unfreeze}
      forbid={t.freeze}
      set={(body, params) =>
        unwrap(api.POST("/v1/staff/accounts/{account}/spending", { params: { path: { account }, ...params }, body }))
      }
    />
  );
}

function Publishing({ account }: { account: string }) {
  const t = staffText.value.accounts;
  return (
    <Permission
      title={t.publishingTitle}
      allow={t.restore}
      forbid={t.suspend}
      set={(body, params) =>
        unwrap(api.POST("/v1/staff/accounts/{account}/publishing", { params: { path: { account }, ...params }, body }))
      }
    />
  );
}

/** Compiles the documents of a report to NCMEC's CyberTipline. Nothing is sent. */
function CyberTip({ account }: { account: string }) {
  const t = staffText.value.accounts;
  const mutation = useMutation();
  const [id, setId] = useState("");
  const [email, setEmail] = useState("");
  const [documents, setDocuments] = useState<Schema["CyberTipView"]>();
  const submit = (event: Event) => {
    event.preventDefault();
    setDocuments(undefined);
    void mutation.run(async () => {
      const path = { account, case: id.trim() };
      setDocuments(
        await unwrap(
          api.POST("/v1/staff/accounts/{account}/cases/{case}/cybertip", { params: { path }, body: { email } }),
        ),
      );
    });
  };
  return (
    <Act title={t.cyberTipTitle}>
      <p>{t.cyberTipHint}</p>
      <form class="stack" onSubmit={submit}>
        <Field label={t.caseId} value={id} onValue={setId} required maxlength={100} />
        <Field
          label={t.contact}
          type="email"
          value={email}
          onValue={setEmail}
          required
          maxlength={254}
          error={fieldMessage(mutation.error, "email")}
        />
        <ErrorNotice error={mutation.error} />
        <div class="row">
          <button type="submit" class="button" disabled={mutation.busy}>
            {t.compile}
          </button>
        </div>
      </form>
      {documents && (
        <div class="row">
          <Save name="report.xml" content={documents.report} />
          {documents.file_details && <Save name="file-details.xml" content={documents.file_details} />}
          {!documents.file_details && <p class="muted">{t.fileGone}</p>}
        </div>
      )}
    </Act>
  );
}

function Save({ name, content }: { name: string; content: string }) {
  return (
    <button type="button" class="button" onClick={() => saveFile(name, content, "text/xml")}>
      {staffText.value.accounts.save(name)}
    </button>
  );
}

function Sessions({ account }: { account: string }) {
  const t = staffText.value;
  const end = async (note: string, params: object) => {
    const body = { note };
    await unwrap(
      api.POST("/v1/staff/accounts/{account}/sessions/end", { params: { path: { account }, ...params }, body }),
    );
    showToast(t.accounts.changed);
  };
  return (
    <Act title={t.accounts.sessionsTitle}>
      <TextForm
        label={t.accounts.reason}
        hint={t.cases.noteHint}
        field="note"
        actions={[{ label: t.accounts.endSessions, danger: true, run: end }]}
      />
    </Act>
  );
}

function Deletion({ account }: { account: string }) {
  const t = staffText.value;
  const [confirmation, setConfirmation] = useState("");
  const request = async (note: string, params: object) => {
    const body = { confirmation, note };
    const deletion = await unwrap<Schema["DeletionView"]>(
      api.POST("/v1/staff/accounts/{account}/deletion", { params: { path: { account }, ...params }, body }),
    );
    setConfirmation("");
    showToast(t.accounts.deletionRequested(date(deletion.erase_at)));
  };
  return (
    <Act title={t.accounts.deletionTitle}>
      <p>{t.accounts.deletionHint}</p>
      <TextForm
        label={t.accounts.reason}
        hint={t.cases.noteHint}
        field="note"
        also={confirmation}
        actions={[{ label: t.accounts.requestDeletion, danger: true, run: request }]}
      >
        <Field
          label={t.accounts.deletionAddress}
          type="email"
          value={confirmation}
          onValue={setConfirmation}
          required
          maxlength={128}
        />
      </TextForm>
    </Act>
  );
}
