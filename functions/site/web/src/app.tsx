/** The frame around every page, and which page stands in it. */
import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { closing, me } from "./accounts/account";
import { Welcome } from "./accounts/landing";
import { Confirm, Forgot, Reset, SignIn, SignUp } from "./accounts/sign-in";
import { SignInAgain } from "./accounts/sign-in-dialog";
import { session, takeUp } from "./api/session";
import { go, match, path } from "./router";
import { number, text } from "./text";
import { Weather } from "./ui/connection-banner";
import { Icon, type IconName } from "./ui/icon";
import { Empty, Loading } from "./ui/states";
import { Toasts } from "./ui/toasts";

type Page = ComponentType<Record<string, string>>;
type Load = () => Promise<Page>;

interface Route {
  pattern: string;
  /** For whom: everybody, or who is signed in. */
  own: boolean;
  load: Load;
}

const at = (pattern: string, load: Load): Route => ({ pattern, own: true, load });
const open = (pattern: string, load: Load): Route => ({ pattern, own: false, load });
const here = (page: ComponentType<never>) => async () => page as Page;

const gallery = (name: "Own" | "Public") => async () => (await import("./generations/gallery/gallery"))[name] as Page;
const credits = (name: "Packages" | "Statement" | "Receipts" | "Return") => async () =>
  (await import("./credits/pages"))[name] as Page;
const privacy = (name: keyof typeof import("./privacy/pages")) => async () =>
  (await import("./privacy/pages"))[name] as Page;
const account = (name: "Preferences" | "Plan" | "Sessions") => async () =>
  (await import("./accounts/settings"))[name] as Page;

// One page for the listing and for what lies over it: the listing stays while the viewer opens and closes.
const own = gallery("Own");
const everybody = gallery("Public");

const ROUTES: readonly Route[] = [
  open("/sign-in", here(SignIn)),
  open("/sign-up", here(SignUp)),
  open("/confirm", here(Confirm)),
  open("/forgot", here(Forgot)),
  open("/reset", here(Reset)),
  at("/", async () => (await import("./generations/studio/studio")).Studio as Page),
  at("/gallery", own),
  open("/gallery/public", everybody),
  at("/gallery/{id}", own),
  open("/gallery/public/{id}", everybody),
  open("/s/{token}", async () => (await import("./generations/shares/shared-page")).Shared as unknown as Page),
  at("/credits", credits("Packages")),
  at("/credits/statement", credits("Statement")),
  at("/credits/receipts", credits("Receipts")),
  at("/credits/{id}", credits("Return")),
  open("/privacy", privacy("Promises")),
  open("/privacy/inventory", privacy("Inventory")),
  at("/privacy/access", privacy("Access")),
  at("/privacy/export", privacy("Export")),
  at("/privacy/corrections", privacy("Corrections")),
  at("/privacy/deletion", privacy("Deletion")),
  open("/privacy/receipts/{id}", privacy("Receipt")),
  at("/account", account("Preferences")),
  at("/account/plan", account("Plan")),
  at("/account/sessions", account("Sessions")),
  open("/support", async () => (await import("./support/tickets")).Support as Page),
];

export function App() {
  const t = text.value;
  return (
    <>
      <div class="shell">
        <a class="skip button" href="#main">
          {t.places.skip}
        </a>
        <Top />
        <main id="main" tabindex={-1}>
          <Place />
        </main>
        <footer class="foot">
          <a href="/privacy">{t.foot.promises}</a>
          <a href="/privacy/inventory">{t.foot.inventory}</a>
          <a href="/support">{t.foot.support}</a>
        </footer>
      </div>
      <Weather />
      <SignInAgain />
      <Toasts />
    </>
  );
}

const PLACES: readonly {
  to: string;
  icon: IconName;
  name: "studio" | "gallery" | "credits" | "privacy" | "account";
}[] = [
  { to: "/", icon: "studio", name: "studio" },
  { to: "/gallery", icon: "gallery", name: "gallery" },
  { to: "/credits", icon: "credits", name: "credits" },
  { to: "/privacy", icon: "privacy", name: "privacy" },
  { to: "/account", icon: "account", name: "account" },
];

function Top() {
  const t = text.value.places;
  const isHere = (to: string) => (to === "/" ? path.value === "/" : path.value.startsWith(to));
  const isOpen = session.value === "open" || session.value === "expired";
  return (
    <header class="top">
      <a class="mark" href="/">
        <Mark />
        Darkroom
      </a>
      {isOpen && (
        <nav class="places" aria-label={t.name}>
          {PLACES.map(({ to, icon, name }) => (
            <a key={to} href={to} aria-current={isHere(to) ? "page" : undefined}>
              <Icon name={icon} />
              {t[name]}
            </a>
          ))}
        </nav>
      )}
      {isOpen && me.value && (
        <a class="purse" href="/credits" aria-label={t.creditsLeft(me.value.credits.available)}>
          {number(me.value.credits.available)} <small>{t.credits}</small>
        </a>
      )}
      {session.value === "none" && (
        <a class="button small enter" href="/sign-in">
          {t.signIn}
        </a>
      )}
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="16" r="14" fill="var(--accent)" />
      <path d="M16 2a14 14 0 0 1 0 28z" fill="var(--ink)" opacity=".55" />
    </svg>
  );
}

function Place() {
  const place = path.value;
  if (session.value === "starting") return <Loading />;
  if (session.value === "unreached") return <Unreached again={takeUp} />;
  for (const route of ROUTES) {
    const parts = match(route.pattern, place);
    if (!parts) continue;
    if (route.own && session.value === "none") {
      if (place === "/") return <Welcome />;
      return <SignIn to={place + location.search} />;
    }
    if (closing.value && route.own && place !== "/privacy/deletion") return <Elsewhere to="/privacy/deletion" />;
    return <Loaded key={route.load} route={route} parts={parts} />;
  }
  const t = text.value.missing;
  return (
    <Empty page title={t.title}>
      <p>{t.text}</p>
      <a class="button" href="/">
        {t.home}
      </a>
    </Empty>
  );
}

function Unreached({ again }: { again: () => unknown }) {
  return (
    <Empty page title={text.value.trouble.unreachable}>
      <button type="button" class="button" onClick={again}>
        {text.value.doing.retry}
      </button>
    </Empty>
  );
}

function Elsewhere({ to }: { to: string }) {
  useEffect(() => go(to, "replace"), [to]);
  return null;
}

const loaded = new Map<Load, Page>();
/** Whether the client has just come, and shows its first page. */
let isFirst = true;

/** A page whose code may still have to come. */
function Loaded({ route, parts }: { route: Route; parts: Record<string, string> }) {
  const [page, set] = useState<{ page: Page | undefined }>({ page: loaded.get(route.load) });
  const [failed, fail] = useState(false);
  useEffect(() => {
    if (!page.page) {
      route.load().then(
        (page) => {
          loaded.set(route.load, page);
          set({ page });
        },
        () => fail(true),
      );
    }
  }, [route]);
  useLayoutEffect(() => {
    // Who uses a keyboard or hears the page goes on at its top, but not when the whole client has just come.
    if (!isFirst) document.getElementById("main")?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  if (failed) {
    // The client was replaced by a newer one, or the connection is gone.
    return <Unreached again={() => location.reload()} />;
  }
  if (!page.page) return <Loading />;
  return <page.page {...parts} />;
}
