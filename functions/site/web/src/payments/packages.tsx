/** The packages of credits, and the way to the checkout of a payment provider. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { CreditsPage } from "../credits/layout";
import { language, money, text } from "../text";
import { RadioGroup, Select } from "../ui/field";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { Empty, ErrorNotice, Loading } from "../ui/states";
import { PROVIDER_NAMES } from "./providers";

type Currency = Schema["Currency"];
type Provider = Schema["PaymentProvider"];

/** Returns the currency that a person in the region of the browser is likely to pay in. */
function likelyCurrency(): Currency {
  const region = new Intl.Locale(navigator.language).maximize().region ?? "";
  if (region === "GB") return "GBP";
  if (region === "JP") return "JPY";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone.startsWith("Europe/") ? "EUR" : "USD";
}

export function Packages() {
  const t = text.value.payments;
  const offer = useQuery(() => unwrap(api.GET("/v1/packages")));
  const [currency, setCurrency] = useState<Currency>(likelyCurrency);
  const [chosen, setChosen] = useState<Provider>();
  if (!offer.data) {
    return (
      <CreditsPage>{offer.busy ? <Loading /> : <ErrorNotice error={offer.error} retry={offer.refetch} />}</CreditsPage>
    );
  }
  const { packages, providers } = offer.data;
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
        <RadioGroup
          label={t.payWith}
          value={provider}
          options={providers.map(({ id }) => ({ value: id, label: PROVIDER_NAMES[id] }))}
          onValue={setChosen}
        />
        <ul class="packages">
          {packages.map((item) => (
            <li key={item.id}>
              <Package item={item} currency={currency} provider={provider} />
            </li>
          ))}
        </ul>
        <p class="small muted prose">
          {t.cards} {t.tax}
        </p>
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
}

function Package({ item, currency, provider }: PackageProperties) {
  const t = text.value.payments;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  const price = item.prices.find((price) => price.currency === currency);
  if (!price) return null;
  const buy = () =>
    mutation.run(async () => {
      // The key stays after success: a second press before the redirect must not create another checkout.
      const body = { package: item.id, currency, provider };
      const { url, id } = await unwrap(api.POST("/v1/checkout", { body, params: key.paramsFor(body) }));
      location.assign(url ?? `/credits/${id}`);
    });
  const [name = item.title] = item.title.split(":");
  const per100 = money({ ...price, amount: Math.round((price.amount / item.credits) * 100) });
  return (
    <article class="card package">
      <h2>{name}</h2>
      <p class="package-credits">{text.value.credits.count(item.credits)}</p>
      <p class="package-price">{money(price)}</p>
      <p class="muted small">
        {t.per100(per100)} · {t.plan(t.plans[item.plan])}
      </p>
      <button type="button" class="button primary" disabled={mutation.busy} onClick={buy} aria-label={t.buy(name)}>
        {mutation.busy ? t.redirecting(PROVIDER_NAMES[provider]) : t.buy(name)}
      </button>
      <ErrorNotice error={mutation.error} />
    </article>
  );
}
