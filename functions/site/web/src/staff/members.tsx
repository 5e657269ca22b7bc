/** The members of staff: who has which role, which administrators give and take. */
import { useState } from "preact/hooks";

import { currentAccount } from "../accounts/account";
import { api, type Schema, unwrap } from "../api/client";
import type { ApiError } from "../api/error";
import { dateTime } from "../text";
import { fieldMessage } from "../ui/error-message";
import { Field, Select } from "../ui/field";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { ActionButton } from "./forms";
import { StaffPage } from "./layout";
import { staffText } from "./text";

type Member = Schema["MemberView"];
type Role = Schema["Role"];

const ROLES: readonly Role[] = ["support", "finance", "moderation", "administrator"];

export function Members() {
  const t = staffText.value.members;
  const query = useQuery<Schema["MembersView"]>(() => unwrap(api.GET("/v1/staff/members")));
  return (
    <StaffPage lead={t.lead}>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && (
        <>
          {query.data.members.length === 0 && <p class="muted">{t.none}</p>}
          <dl class="log">
            {query.data.members.map((member) => (
              <Entry key={member.account} member={member} refetch={query.refetch} />
            ))}
          </dl>
          {query.data.invitations.length > 0 && <h2>{t.invitations}</h2>}
          <dl class="log">
            {query.data.invitations.map((invitation) => (
              <Invited key={invitation.id} invitation={invitation} refetch={query.refetch} />
            ))}
          </dl>
          <Grant refetch={query.refetch} />
        </>
      )}
    </StaffPage>
  );
}

interface EntryProperties {
  member: Member;
  refetch: () => Promise<unknown>;
}

function Entry({ member: { account, email, staff, roles }, refetch }: EntryProperties) {
  const t = staffText.value;
  const isSelf = account === currentAccount.value?.id;
  const revoke = async (role: Role, params: object) => {
    const path = { account, role };
    await unwrap(api.DELETE("/v1/staff/members/{account}/roles/{role}", { params: { path, ...params } }));
    await refetch();
  };
  return (
    <div class="log-entry">
      <dt>
        <strong dir="auto">{email}</strong>
        {isSelf && <span class="tag">{t.members.self}</span>}
      </dt>
      <dd class="stack tight">
        <span class="small muted">
          {t.members.name} <code>{staff}</code>
        </span>
        <span class="row">
          {roles.map((role) =>
            isSelf ? (
              <span key={role} class="tag">
                {t.roles[role]}
              </span>
            ) : (
              <ActionButton
                key={role}
                label={t.members.revoke(t.roles[role])}
                about={email}
                run={(params) => revoke(role, params)}
              />
            ),
          )}
        </span>
      </dd>
    </div>
  );
}

interface InvitedProperties {
  invitation: Schema["InvitationView"];
  refetch: () => Promise<unknown>;
}

function Invited({ invitation: { id, email, role, staff, expires_at }, refetch }: InvitedProperties) {
  const t = staffText.value;
  const withdraw = async (params: object) => {
    const path = { invitation: id };
    await unwrap(api.DELETE("/v1/staff/invitations/{invitation}", { params: { path, ...params } }));
    await refetch();
  };
  return (
    <div class="log-entry">
      <dt>
        <strong dir="auto">{email}</strong>
        <span class="tag">{t.roles[role]}</span>
      </dt>
      <dd class="stack tight">
        <span class="small muted">
          {t.members.invitedBy} <code>{staff}</code> · {t.members.expires(dateTime(expires_at))}
        </span>
        <ActionButton label={t.members.withdraw} about={email} run={withdraw} />
      </dd>
    </div>
  );
}

/** A form that gives a role to a person with an account, or invites a person by mail. */
function Grant({ refetch }: { refetch: () => Promise<unknown> }) {
  const t = staffText.value;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("support");
  const [done, setDone] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const invites = event.submitter?.dataset.action === "invite";
    setDone("");
    void mutation.run(async () => {
      const body = { email: email.trim(), role };
      const params = key.paramsFor([body, invites]);
      if (invites) await unwrap(api.POST("/v1/staff/invitations", { params, body }));
      else await unwrap<Member>(api.POST("/v1/staff/members", { params, body }));
      key.reset();
      await refetch();
      setDone((invites ? t.members.invited : t.members.granted)(body.email, t.roles[role]));
      setEmail("");
    });
  };
  return (
    <section class="card stack">
      <h2>{t.members.grantTitle}</h2>
      <form class="stack" onSubmit={submit}>
        <Field
          label={t.members.email}
          hint={t.members.emailHint}
          type="email"
          autocomplete="off"
          required
          maxlength={128}
          value={email}
          onValue={setEmail}
          error={fieldMessage(mutation.error, "email")}
        />
        <Select
          label={t.members.role}
          value={role}
          onValue={(value) => setRole(value as Role)}
          options={ROLES.map((value) => ({ value, label: t.roles[value] }))}
        />
        <ErrorNotice error={mutation.error} message={refusal(mutation.error)} />
        {done && (
          <p class="notice success" role="status">
            {done}
          </p>
        )}
        <div class="row">
          <button type="submit" class="button primary" disabled={mutation.busy}>
            {t.members.grant}
          </button>
          <button type="submit" class="button" data-action="invite" disabled={mutation.busy}>
            {t.members.invite}
          </button>
        </div>
      </form>
    </section>
  );
}

function refusal(error: ApiError | undefined): string | undefined {
  const t = staffText.value.members;
  if (error?.type === "not-found") return t.unknown;
  return error?.type === "own-account" ? t.own : undefined;
}
