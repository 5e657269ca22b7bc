import "./privacy.css";

import type { ComponentChildren } from "preact";

import { session } from "../api/session";
import { text } from "../text";
import { Section } from "../ui/page";

export function Frame({ lead, children }: { lead: string; children: ComponentChildren }) {
  const t = text.value.privacy;
  const open = [
    { to: "/privacy", label: t.pages.promises },
    { to: "/privacy/inventory", label: t.pages.inventory },
  ];
  const own = [
    { to: "/privacy/access", label: t.pages.access },
    { to: "/privacy/export", label: t.pages.export },
    { to: "/privacy/corrections", label: t.pages.corrections },
    { to: "/privacy/deletion", label: t.pages.deletion },
  ];
  return (
    <Section title={t.title} lead={lead} tabs={session.value === "none" ? open : [...open, ...own]}>
      {children}
    </Section>
  );
}
