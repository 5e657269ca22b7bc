/** The frame of all privacy pages: the title and the tabs. */
import "./privacy.css";

import type { ComponentChildren } from "preact";

import { session } from "../api/session";
import { text } from "../text";
import { Page } from "../ui/page";

export function PrivacyPage({ lead, children }: { lead: string; children: ComponentChildren }) {
  const t = text.value.privacy;
  const publicTabs = [
    { to: "/privacy", label: t.pages.promises },
    { to: "/privacy/policy", label: t.pages.policy },
    { to: "/privacy/inventory", label: t.pages.inventory },
  ];
  const accountTabs = [
    { to: "/privacy/access", label: t.pages.access },
    { to: "/privacy/export", label: t.pages.export },
    { to: "/privacy/corrections", label: t.pages.corrections },
    { to: "/privacy/deletion", label: t.pages.deletion },
  ];
  const tabs = session.value === "signed-out" ? publicTabs : [...publicTabs, ...accountTabs];
  return (
    <Page title={t.title} lead={lead} tabs={tabs}>
      {children}
    </Page>
  );
}
