/** The frame of all pages of the console: the title, the roles of the person, and the tabs that these may open. */
import type { ComponentChildren } from "preact";

import { currentAccount } from "../accounts/account";
import { Page } from "../ui/page";
import { hasRole } from "./roles";
import { staffText } from "./text";

export function StaffPage({ lead, children }: { lead: string; children: ComponentChildren }) {
  const t = staffText.value;
  const tabs = [
    { to: "/staff", label: t.pages.overview, shown: true },
    { to: "/staff/cases", label: t.pages.cases, shown: true },
    { to: "/staff/accounts", label: t.pages.accounts, shown: true },
    { to: "/staff/legal", label: t.pages.legal, shown: hasRole("administrator") },
    { to: "/staff/catalogue", label: t.pages.catalogue, shown: hasRole("administrator") },
    { to: "/staff/settings", label: t.pages.settings, shown: hasRole("administrator") },
    { to: "/staff/texts", label: t.pages.texts, shown: hasRole("administrator") },
    { to: "/staff/margins", label: t.pages.margins, shown: hasRole("finance") },
    { to: "/staff/promotions", label: t.pages.promotions, shown: hasRole("administrator") },
    { to: "/staff/members", label: t.pages.members, shown: hasRole("administrator") },
    { to: "/staff/record", label: t.pages.record, shown: hasRole("administrator") },
  ];
  return (
    <Page title={t.title} lead={lead} tabs={tabs.filter(({ shown }) => shown)} wide>
      <p class="row">
        {currentAccount.value?.roles?.map((role) => (
          <span key={role} class="tag">
            {t.roles[role]}
          </span>
        ))}
      </p>
      {children}
    </Page>
  );
}
