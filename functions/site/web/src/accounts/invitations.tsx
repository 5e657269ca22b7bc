/** Invitations to a role of staff, which the owner of the address accepts. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { dateTime, text } from "../text";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice } from "../ui/states";

type Invitation = Schema["OwnInvitationView"];

export function Invitations() {
  const query = useQuery<Schema["OwnInvitationsView"]>(() => unwrap(api.GET("/v1/account/invitations")));
  return (
    <>
      {query.data?.items.map((invitation) => (
        <Invite key={invitation.id} invitation={invitation} />
      ))}
    </>
  );
}

function Invite({ invitation: { id, role, expires_at } }: { invitation: Invitation }) {
  const t = text.value.accounts.invitation;
  const roles = text.value.privacy.accessLog.roles;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [accepted, setAccepted] = useState(false);
  const accept = () =>
    void mutation.run(async () => {
      const params = { path: { invitation: id }, ...key.paramsFor(id) };
      await unwrap(api.POST("/v1/account/invitations/{invitation}/acceptance", { params }));
      setAccepted(true);
    });
  return (
    <section class="card stack">
      <h2>{t.title(roles[role])}</h2>
      {accepted ? (
        <p class="notice success" role="status">
          {t.accepted}
        </p>
      ) : (
        <>
          <p>{t.until(dateTime(expires_at))}</p>
          <ErrorNotice error={mutation.error} />
          <div class="row">
            <button type="button" class="button primary" disabled={mutation.busy} onClick={accept}>
              {t.accept}
            </button>
          </div>
        </>
      )}
    </section>
  );
}
