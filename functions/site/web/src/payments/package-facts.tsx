/** What a package costs, what it buys, and how long its plan keeps files. */
import "./packages.css";

import type { Schema } from "../api/client";
import { money, text } from "../text";
import { creditsBuy } from "./offer";

interface Properties {
  item: Schema["PackageView"];
  price: Schema["Money"];
  plans: readonly Schema["PlanView"][];
  models: readonly Schema["ModelView"][];
}

/** Returns the name of a package: its title is also that of the payment page, and repeats the credits. */
export const packageName = ({ title }: Schema["PackageView"]): string => title.split(":")[0] ?? title;

export function PackageFacts({ item, price, plans, models }: Properties) {
  const t = text.value.payments;
  const per100 = money({ ...price, amount: Math.round((price.amount / item.credits) * 100) });
  const buys = creditsBuy(item.credits, models);
  const days = plans.find(({ plan }) => plan === item.plan)?.retention_days;
  return (
    <>
      <p class="package-credits">{text.value.credits.count(item.credits)}</p>
      <p class="small">{buys && t.buys(buys.images, buys.videos, buys.seconds)}</p>
      <p class="package-price">{money(price)}</p>
      <p class="muted small">
        {t.per100(per100)} · {t.plan(t.plans[item.plan])}
        {days !== undefined && ` · ${t.retentionOfAll(days)}`}
      </p>
    </>
  );
}
