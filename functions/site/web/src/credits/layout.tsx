/** The frame of all pages about credits: the balance and the tabs. */
import "./credits.css";

import type { ComponentChildren } from "preact";

import { currentAccount } from "../accounts/account";
import { session } from "../api/session";
import { number, text } from "../text";
import { Page } from "../ui/page";

export function CreditsPage({ children }: { children: ComponentChildren }) {
  const t = text.value.credits;
  const pages = [
    { to: "/credits", label: t.pages.buy },
    { to: "/credits/usage", label: t.pages.usage },
    { to: "/credits/transactions", label: t.pages.transactions },
    { to: "/credits/receipts", label: t.pages.receipts },
  ];
  // Without an account there are the packages only.
  const tabs = session.value === "signed-out" ? pages.slice(0, 1) : pages;
  const credits = currentAccount.value?.credits;
  return (
    <Page title={t.title} tabs={tabs}>
      {credits && (
        <div class="stack tight">
          <p class="balance">
            <strong>{number(credits.available)}</strong> <span>{t.available(credits.available)}</span>
          </p>
          {credits.held > 0 && <p class="muted small">{t.reserved(credits.held)}</p>}
          {credits.available < 0 && (
            <div class="notice error">
              <div>{t.negative}</div>
            </div>
          )}
        </div>
      )}
      {children}
    </Page>
  );
}
