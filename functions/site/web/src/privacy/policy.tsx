/** The privacy policy: every promise with its wording, how it is kept, and the tests that show it. */
import { api, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { PrivacyPage } from "./layout";

export function Policy() {
  const t = text.value.privacy.policy;
  const policy = useQuery(() => unwrap(api.GET("/v1/privacy/policy")));
  const promises = policy.data?.promises ?? [];
  const kept = promises.filter(({ tests }) => tests.length > 0).length;
  return (
    <PrivacyPage lead={policy.data ? t.lead(kept, promises.length) : text.value.privacy.lead}>
      {!policy.data && policy.busy && <Loading />}
      <ErrorNotice error={policy.error} retry={policy.refetch} />
      <ul class="policy">
        {promises.map((promise) => (
          <li key={promise.number} id={`P${promise.number}`}>
            <PromiseCard promise={promise} />
          </li>
        ))}
      </ul>
    </PrivacyPage>
  );
}

function PromiseCard({ promise }: { promise: Schema["PromiseView"] }) {
  const t = text.value.privacy.policy;
  const { number, quote, implementation, tests } = promise;
  const words = text.value.privacy.promises.find(({ id }) => id === `P${number}`)?.text;
  return (
    <article class="card stack tight">
      <h2>
        <span class="muted small">P{number}</span> {words}
      </h2>
      {tests.length === 0 && <p class="tag accent">{t.open}</p>}
      <details>
        <summary class="small">{t.details}</summary>
        <div class="stack tight small" lang="en">
          <p>“{quote}”</p>
          <p class="muted">{implementation}.</p>
          <ul class="fields" aria-label={t.tests}>
            {tests.map((test) => (
              <li key={test}>
                <code>{test}</code>
              </li>
            ))}
          </ul>
        </div>
      </details>
    </article>
  );
}
