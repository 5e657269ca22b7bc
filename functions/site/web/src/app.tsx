/** The frame around every page, and the page of the current route. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { accountError, currentAccount, isDeleting, loadAccount } from "./accounts/account";
import { Landing } from "./accounts/landing";
import { setLanguage } from "./accounts/preferences";
import { SignIn } from "./accounts/sign-in";
import { SignInDialogs } from "./accounts/sign-in-dialog";
import { TermsNotice } from "./accounts/terms-notice";
import { ApiError } from "./api/error";
import { isSignedIn, restoreSession, session } from "./api/session";
import { matchPath, navigate, path } from "./router";
import { ROUTES, type Route, type RoutePage } from "./routes";
import { hasImprint, service } from "./service";
import { LANGUAGES, type Language, language, text } from "./text";
import { ConnectionBanner } from "./ui/connection-banner";
import { errorMessage } from "./ui/error-message";
import { Icon, type IconName } from "./ui/icon";
import { Empty, Loading } from "./ui/states";
import { Toasts } from "./ui/toasts";

export function App() {
  const t = text.value;
  return (
    <>
      <div class="shell">
        <a class="skip-link button" href="#main">
          {t.navigation.skip}
        </a>
        <Header />
        <main id="main" tabindex={-1}>
          <TermsNotice />
          <CurrentPage />
        </main>
        <footer class="footer">
          <a href="/privacy">{t.footer.promises}</a>
          <a href="/privacy/policy">{t.footer.policy}</a>
          <a href="/privacy/inventory">{t.footer.inventory}</a>
          <a href="/terms">{t.footer.terms}</a>
          {hasImprint.value && <a href="/imprint">{t.footer.imprint}</a>}
          <a href="/transparency">{t.footer.transparency}</a>
          <a href="/check">{t.footer.check}</a>
          <a href="/support">{t.footer.support}</a>
          {isSignedIn.value && currentAccount.value?.roles?.length && <a href="/staff">{t.footer.console}</a>}
          {session.value === "signed-out" && <LanguageChoice />}
        </footer>
      </div>
      <ConnectionBanner />
      <SignInDialogs />
      <Toasts />
    </>
  );
}

const NAVIGATION: readonly {
  to: string;
  icon: IconName;
  name: "create" | "gallery" | "credits" | "privacy" | "account";
}[] = [
  { to: "/", icon: "create", name: "create" },
  { to: "/gallery", icon: "gallery", name: "gallery" },
  { to: "/credits", icon: "credits", name: "credits" },
  { to: "/privacy", icon: "privacy", name: "privacy" },
  { to: "/account", icon: "account", name: "account" },
];

function Header() {
  const t = text.value.navigation;
  const isCurrent = (to: string) => (to === "/" ? path.value === "/" : path.value.startsWith(to));
  return (
    <header class="header">
      <a class="logo" href="/">
        <Logo />
        {service.value.name}
      </a>
      {isSignedIn.value && (
        <nav class="main-nav" aria-label={t.label}>
          {NAVIGATION.map(({ to, icon, name }) => (
            <a key={to} href={to} aria-current={isCurrent(to) ? "page" : undefined}>
              <Icon name={icon} />
              {t[name]}
            </a>
          ))}
        </nav>
      )}
      {isSignedIn.value && currentAccount.value && (
        <a class="credit-balance" href="/credits" aria-label={t.balance(currentAccount.value.credits.available)}>
          {t.amount(currentAccount.value.credits.available)}
        </a>
      )}
      {session.value === "signed-out" && (
        <a class="button small" href="/sign-in">
          {t.signIn}
        </a>
      )}
    </header>
  );
}

/** The language of people without an account; others choose it in their preferences. */
function LanguageChoice() {
  return (
    <select
      class="input"
      aria-label={text.value.accounts.language}
      value={language.value}
      onChange={(event) => void setLanguage(event.currentTarget.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

function Logo() {
  const { logo } = service.value;
  if (logo) return <img src={logo} alt="" />;
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <circle cx="16" cy="16" r="14" fill="var(--accent)" />
      <path d="M16 2a14 14 0 0 1 0 28z" fill="var(--text)" opacity=".55" />
    </svg>
  );
}

function CurrentPage() {
  const current = path.value;
  if (session.value === "starting") return <Loading />;
  if (session.value === "unreachable") return <Unreachable retry={restoreSession} />;
  for (const route of ROUTES) {
    const parameters = matchPath(route.pattern, current);
    if (!parameters) continue;
    if ((route.access === "account" || route.access === "staff") && session.value === "signed-out") {
      return current === "/" ? <Landing /> : <SignIn to={current + location.search} />;
    }
    if (route.access === "guest" && isSignedIn.value) return <Redirect to="/" />;
    if (route.access === "staff" && !currentAccount.value) {
      return accountError.value ? <Unreachable retry={loadAccount} /> : <Loading />;
    }
    // For everyone else there is no console.
    if (route.access === "staff" && !currentAccount.value?.roles?.length) break;
    if (route.access === "account" && isDeleting.value && current !== "/privacy/deletion") {
      return <Redirect to="/privacy/deletion" />;
    }
    return <LazyPage key={route.load} route={route} parameters={parameters} />;
  }
  const t = text.value.missingPage;
  return (
    <Empty page title={t.title}>
      <p>{t.text}</p>
      <a class="button" href="/">
        {t.home}
      </a>
    </Empty>
  );
}

/** Loads the client anew. Without a connection, the browser would replace the page by one of its own. */
function reload(): void {
  if (navigator.onLine) location.reload();
}

/** Says that the page cannot be loaded, and tries again when the connection is back. */
function Unreachable({ retry }: { retry: () => unknown }) {
  const t = text.value;
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const follow = () => {
      setOnline(navigator.onLine);
      if (navigator.onLine) retry();
    };
    addEventListener("online", follow);
    addEventListener("offline", follow);
    return () => {
      removeEventListener("online", follow);
      removeEventListener("offline", follow);
    };
  }, []);
  return (
    <Empty page title={online ? t.errors.unreachable : t.errors.offline}>
      <button type="button" class="button" onClick={retry}>
        {t.actions.retry}
      </button>
    </Empty>
  );
}

/** Says why the service does not give out a page, and leads to where a second factor is set up. */
function Refused({ error }: { error: ApiError }) {
  return (
    <Empty page title={errorMessage(error)}>
      <a class="button" href="/account/sessions">
        {text.value.accounts.pages.sessions}
      </a>
    </Empty>
  );
}

function Redirect({ to }: { to: string }) {
  useEffect(() => navigate(to, "replace"), [to]);
  return null;
}

const loadedPages = new Map<Route["load"], RoutePage>();
/** Whether the page is the first one since the client was loaded. */
let isFirstPage = true;

/** A page whose code is loaded first, if it is not there yet. */
function LazyPage({ route, parameters }: { route: Route; parameters: Record<string, string> }) {
  const [loaded, setLoaded] = useState<{ Page: RoutePage | undefined }>({ Page: loadedPages.get(route.load) });
  const [failure, setFailure] = useState<unknown>();
  const { Page } = loaded;
  useEffect(() => {
    if (Page) return;
    route.load().then(
      (Page) => {
        loadedPages.set(route.load, Page);
        setLoaded({ Page });
      },
      (error: unknown) => setFailure(error),
    );
  }, [route]);
  useLayoutEffect(() => {
    // After a navigation, keyboards and screen readers continue at the start of the page.
    if (!isFirstPage) document.getElementById("main")?.focus({ preventScroll: true });
    isFirstPage = false;
  }, []);
  // Either there is no connection, or a newer version of the client has replaced this one.
  if (failure) return failure instanceof ApiError ? <Refused error={failure} /> : <Unreachable retry={reload} />;
  return Page ? <Page {...parameters} /> : <Loading />;
}
