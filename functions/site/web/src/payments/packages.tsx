/** What can be bought, and the way to the page on which it is paid. */
import { useRef, useState } from "preact/hooks";

import { api, ask, once, type Schema } from "../api/client";
import { Frame, PROVIDERS } from "../credits/layout";
import { language, money, text } from "../text";
import { Choice, Select } from "../ui/field";
import { useAct, useAsked } from "../ui/query";
import { Empty, Loading, TroubleNotice } from "../ui/states";

type Currency = Schema["Currency"];
type Rail = Schema["Rail"];

/** The currency that people of a region are likely to pay in. */
function likely(): Currency {
  const region = new Intl.Locale(navigator.language).maximize().region ?? "";
  if (region === "GB") return "GBP";
  if (region === "JP") return "JPY";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone.startsWith("Europe/") ? "EUR" : "USD";
}

export function Packages() {
  const t = text.value.credits;
  const offer = useAsked(() => ask(api.GET("/v1/packages")));
  const [currency, setCurrency] = useState<Currency>(likely);
  const [rail, setRail] = useState<Rail>();
  if (!offer.value)
    return <Frame>{offer.busy ? <Loading /> : <TroubleNotice trouble={offer.trouble} retry={offer.again} />}</Frame>;
  const { packages, providers } = offer.value;
  const provider = rail ?? providers[0]?.id;
  if (!provider)
    return (
      <Frame>
        <Empty title={t.closed} />
      </Frame>
    );
  const currencies = [...new Set(packages.flatMap(({ prices }) => prices.map((price) => price.currency)))];
  const policies = providers.map(({ id, privacy_policy }) => (
    <a key={id} href={privacy_policy} target="_blank" rel="noopener noreferrer">
      {t.policy(PROVIDERS[id])}
    </a>
  ));
  return (
    <Frame>
      <section class="stack">
        <div class="row apart">
          <p class="lead">{t.lead}</p>
          <Select
            label={t.currency}
            value={currency}
            options={currencies.map((value) => ({ value, label: currencyName(value) }))}
            onValue={(value) => setCurrency(value as Currency)}
          />
        </div>
        <Choice
          label={t.pay}
          value={provider}
          options={providers.map(({ id }) => ({ value: id, label: PROVIDERS[id] }))}
          onValue={setRail}
        />
        <ul class="packages">
          {packages.map((item) => (
            <li key={item.id}>
              <Package item={item} currency={currency} provider={provider} />
            </li>
          ))}
        </ul>
        <p class="small soft prose">
          {t.cards} {t.tax}
        </p>
        <p class="row small">{policies}</p>
      </section>
    </Frame>
  );
}

function currencyName(currency: Currency): string {
  return `${new Intl.DisplayNames(language.value, { type: "currency" }).of(currency)} (${currency})`;
}

interface PackageProperties {
  item: Schema["PackageView"];
  currency: Currency;
  provider: Rail;
}

function Package({ item, currency, provider }: PackageProperties) {
  const t = text.value.credits;
  const act = useAct();
  // One key for one intention: whoever presses twice buys once.
  const sent = useRef<{ what: string; params: ReturnType<typeof once> } | undefined>(undefined);
  const price = item.prices.find((price) => price.currency === currency);
  if (!price) return null;
  const buy = () =>
    act.act(async () => {
      const what = `${currency} ${provider}`;
      const intention = sent.current?.what === what ? sent.current : { what, params: once() };
      sent.current = intention;
      const { url, id } = await ask(
        api.POST("/v1/checkout", { body: { package: item.id, currency, provider }, params: intention.params }),
      );
      location.assign(url ?? `/credits/${id}`);
    });
  const [name = item.title] = item.title.split(":");
  return (
    <article class="card package">
      <h2>{name}</h2>
      <p class="package-credits">{t.credits(item.credits)}</p>
      <p class="package-price">{money(price)}</p>
      <p class="soft small">
        {t.per(money({ ...price, amount: Math.round((price.amount / item.credits) * 100) }))} ·{" "}
        {t.plan(t.plans[item.plan])}
      </p>
      <button type="button" class="button primary" disabled={act.busy} onClick={buy} aria-label={t.buy(name)}>
        {act.busy ? t.going(PROVIDERS[provider]) : t.buy(name)}
      </button>
      <TroubleNotice trouble={act.trouble} />
    </article>
  );
}
