/** A form that redeems the code of a promotion or a gift. */
import { useState } from "preact/hooks";

import { loadAccount } from "../accounts/account";
import { api, unwrap } from "../api/client";
import { text } from "../text";
import { Field } from "../ui/field";
import { useIdempotencyKey, useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";

export function Redeem() {
  const t = text.value.credits.redeem;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const [code, setCode] = useState("");
  const [done, setDone] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    setDone("");
    void mutation.run(async () => {
      const body = { code: code.trim() };
      const params = key.paramsFor(body);
      const { credits } = await unwrap(api.POST("/v1/account/redemptions", { params, body }));
      key.reset();
      setDone(t.done(credits));
      setCode("");
      await loadAccount();
    });
  };
  const { error } = mutation;
  return (
    <form class="card stack" onSubmit={submit}>
      <h2>{t.title}</h2>
      <Field
        label={t.code}
        required
        autocomplete="off"
        maxlength={100}
        value={code}
        onValue={setCode}
        error={error?.hasField("code") ? t.wrong : undefined}
      />
      <ErrorNotice
        error={error?.hasField("code") ? undefined : error}
        message={error?.type === "conflict" ? t.again : undefined}
      />
      {done && (
        <p class="notice success" role="status">
          {done}
        </p>
      )}
      <div class="row">
        <button type="submit" class="button" disabled={mutation.busy}>
          {t.submit}
        </button>
      </div>
    </form>
  );
}
