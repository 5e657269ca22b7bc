/** A page with a title and, where it is one of several, tabs for the others. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { path } from "../router";
import { useTitle } from "./title";

interface Properties {
  title: string;
  lead?: string;
  tabs?: readonly { to: string; label: string }[];
  wide?: boolean;
  narrow?: boolean;
  children: ComponentChildren;
}

export function Page({ title, lead, tabs, wide, narrow, children }: Properties) {
  useTitle(tabs?.find(({ to }) => to === path.value)?.label, title);
  return (
    <div class={wide ? "page wide" : narrow ? "page narrow" : "page"}>
      <header>
        <h1>{title}</h1>
        {lead && <p class="muted prose">{lead}</p>}
      </header>
      {tabs && <Tabs label={title} tabs={tabs} />}
      {children}
    </div>
  );
}

function Tabs({ label, tabs }: { label: string; tabs: readonly { to: string; label: string }[] }) {
  const list = useRef<HTMLElement>(null);
  const current = path.value;
  useEffect(() => {
    // On a phone the current tab may lie outside of the visible part of the list.
    const tab = list.current?.querySelector<HTMLElement>('[aria-current="page"]');
    if (list.current && tab) list.current.scrollLeft = tab.offsetLeft - list.current.offsetLeft - tab.offsetWidth / 2;
  }, [current]);
  return (
    <nav class="tabs" aria-label={label} ref={list}>
      {tabs.map(({ to, label }) => (
        <a key={to} href={to} aria-current={current === to ? "page" : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}
