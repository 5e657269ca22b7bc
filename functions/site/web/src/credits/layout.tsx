/** What the pages about credits have in common: what there is, and the way between them. */
import "./credits.css";

import type { ComponentChildren } from "preact";

import { me } from "../accounts/account";
import { number, text } from "../text";
import { Section } from "../ui/page";

/** What the payment services are called. */
export const PROVIDERS = { stripe: "Stripe", paypal: "PayPal" } as const;

export function Frame({ children }: { children: ComponentChildren }) {
  const t = text.value.credits;
  const tabs = [
    { to: "/credits", label: t.overview },
    { to: "/credits/statement", label: t.statement },
    { to: "/credits/receipts", label: t.receipts },
  ];
  const credits = me.value?.credits;
  return (
    <Section title={t.title} tabs={tabs}>
      {credits && (
        <div class="stack tight">
          <p class="balance">
            <strong>{number(credits.available)}</strong> <span>{t.available}</span>
          </p>
          {credits.held > 0 && <p class="soft small">{t.held(credits.held)}</p>}
          {credits.available < 0 && (
            <div class="notice bad">
              <div>{t.negative}</div>
            </div>
          )}
        </div>
      )}
      {children}
    </Section>
  );
}
