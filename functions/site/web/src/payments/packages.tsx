/** The packages of credits, and the way to the checkout of a payment provider. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { session } from "../api/session";
import { CreditsPage } from "../credits/layout";
import { Redeem } from "../credits/redeem";
import { language, text } from "../text";
import { fieldMessage } from "../ui/error-message";
import { RadioGroup, Select } from "../ui/field";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { Empty, ErrorNotice, Loading } from "../ui/states";
import { likelyCurrency } from "./offer";
import { PackageFacts, packageName } from "./package-facts";
import { PROVIDER_NAMES } from "./providers";

type Currency = Schema["Currency"];
type Provider = Schema["PaymentProvider"];

export function Packages() {
  const t = text.value.payments;
  const offer = useQuery(() => unwrap(api.GET("/v1/packages")));
  const models = useQuery(() => unwrap(api.GET("/v1/models")));
  const [currency, setCurrency] = useState<Currency>(likelyCurrency);
  const [chosen, setChosen] = useState<Provider>();
  const [gift, setGift] = useState(false);
  if (!offer.data) {
    return (
      <CreditsPage>{offer.busy ? <Loading /> : <ErrorNotice error={offer.error} retry={offer.refetch} />}</CreditsPage>
    );
  }
  const { packages, plans, providers, tax } = offer.data;
  const provider = chosen ?? providers[0]?.id;
  if (!provider) {
    return (
      <CreditsPage>
        <Empty title={t.unavailable} />
      </CreditsPage>
    );
  }
  const currencies = [...new Set(packages.flatMap(({ prices }) => prices.map((price) => price.currency)))];
  return (
    <CreditsPage>
      <section class="stack">
        <div class="row spread">
          <p class="lead">{t.lead}</p>
          <Select
            label={t.currency}
            value={currency}
            options={currencies.map((value) => ({ value, label: currencyName(value) }))}
            onValue={(value) => setCurrency(value as Currency)}
          />
        </div>
        {session.value !== "signed-out" && (
          <RadioGroup
            label={t.payWith}
            value={provider}
            options={providers.map(({ id }) => ({ value: id, label: PROVIDER_NAMES[id] }))}
            onValue={setChosen}
          />
        )}
        {session.value !== "signed-out" && (
          <div class="stack tight">
            <label class="checkbox">
              <input type="checkbox" checked={gift} onChange={(event) => setGift(event.currentTarget.checked)} />
              {t.gift.buy}
            </label>
            {gift && <p class="small muted prose">{t.gift.buyText}</p>}
          </div>
        )}
        <ul class="packages">
          {packages.map((item) => (
            <li key={item.id}>
              <Package
                item={item}
                currency={currency}
                provider={provider}
                gift={gift}
                plans={plans}
                models={models.data?.models ?? []}
              />
            </li>
          ))}
        </ul>
        {session.value !== "signed-out" && <Redeem />}
        <p class="small muted prose">
          {t.cards} {t.tax[tax]}
        </p>
        <p class="small muted prose">{t.retentionFollows}</p>
        <p class="row small">
          {providers.map(({ id, privacy_policy }) => (
            <a key={id} href={privacy_policy} target="_blank" rel="noopener noreferrer">
              {t.providerPolicy(PROVIDER_NAMES[id])}
            </a>
          ))}
        </p>
      </section>
    </CreditsPage>
  );
}

function currencyName(currency: Currency): string {
  return `${new Intl.DisplayNames(language.value, { type: "currency" }).of(currency)} (${currency})`;
}

interface PackageProperties {
  item: Schema["PackageView"];
  currency: Currency;
  provider: Provider;
  gift: boolean;
  plans: readonly Schema["PlanView"][];
  models: readonly Schema["ModelView"][];
}

function Package({ item, currency, provider, gift, plans, models }: PackageProperties) {
  const t = text.value.payments;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const price = item.prices.find((price) => price.currency === currency);
  if (!price) return null;
  const buy = () =>
    mutation.run(async () => {
      // The key stays after success: a second press before the redirect must not create another checkout.
      const body = { package: item.id, currency, provider, gift };
      const { url, id } = await unwrap(api.POST("/v1/checkout", { body, params: key.paramsFor(body) }));
      location.assign(url ?? `/credits/${id}`);
    });
  const name = packageName(item);
  const rejected = ["package", "currency", "provider"]
    .map((field) => fieldMessage(mutation.error, field))
    .find((message) => message !== undefined);
  return (
    <article class="card package">
      <h2>{name}</h2>
      <PackageFacts item={item} price={price} plans={plans} models={models} />
      {session.value === "signed-out" ? (
        <a class="button primary" href="/sign-up">
          {t.signUpToBuy}
        </a>
      ) : (
        <button type="button" class="button primary" disabled={mutation.busy} onClick={buy} aria-label={t.buy(name)}>
          {mutation.busy ? t.redirecting(PROVIDER_NAMES[provider]) : t.buy(name)}
        </button>
      )}
      <ErrorNotice error={mutation.error} message={rejected} />
    </article>
  );
}
