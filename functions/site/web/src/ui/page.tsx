/** A page with a title and, where it is one of several, the way to the others. */
import type { ComponentChildren } from "preact";

import { path } from "../router";
import { useTitle } from "./title";

interface Properties {
  title: string;
  lead?: string;
  name?: string;
  tabs?: readonly { to: string; label: string }[];
  wide?: boolean;
  narrow?: boolean;
  children: ComponentChildren;
}

export function Section({ title, lead, tabs, wide, narrow, children }: Properties) {
  useTitle(tabs?.find(({ to }) => to === path.value)?.label, title);
  return (
    <div class={wide ? "page wide" : narrow ? "page narrow" : "page"}>
      <header>
        <h1>{title}</h1>
        {lead && <p class="soft prose">{lead}</p>}
      </header>
      {tabs && (
        <nav class="tabs" aria-label={title}>
          {tabs.map(({ to, label }) => (
            <a key={to} href={to} aria-current={path.value === to ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
      )}
      {children}
    </div>
  );
}
