/** The current address. The address bar is the only place that holds it. */
import { computed, signal } from "@preact/signals";

const address = signal(new URL(location.href));

/** The path of the current page. */
export const path = computed(() => address.value.pathname);
/** The query of the current page. */
export const query = computed(() => address.value.searchParams);

/** Goes to another page of the client without a reload. A page that replaces another one is left to where that one was. */
export function navigate(to: string, mode: "push" | "replace" = "push"): void {
  if (mode === "push") history.pushState({ hasPrevious: true }, "", to);
  else history.replaceState(history.state, "", to);
  address.value = new URL(location.href);
}

/** Goes back to the page from which this one was opened; to `fallback` if it was not opened from a page of the client. */
export function goBack(fallback: string): Promise<void> {
  if (!history.state?.hasPrevious) {
    navigate(fallback, "replace");
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    addEventListener("popstate", () => resolve(), { once: true });
    history.back();
  });
}

/** Returns the parameters of a path that matches a pattern such as `/gallery/{id}`, or nothing if it does not match. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split("/");
  const actual = path.replace(/(.)\/$/, "$1").split("/");
  if (expected.length !== actual.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const segment = actual[index] ?? "";
    if (part.startsWith("{")) parameters[part.slice(1, -1)] = decodeSegment(segment);
    else if (part !== segment) return undefined;
  }
  return parameters;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Makes clicks on links within the client navigate without a reload. */
export function interceptLinks(): void {
  addEventListener("popstate", () => {
    address.value = new URL(location.href);
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.hash !== "" && link.pathname === location.pathname) return;
    if (link.pathname.startsWith("/v1/")) return;
    event.preventDefault();
    if (link.href !== location.href) navigate(link.href);
    // The viewer opens above its list, which keeps its scroll position.
    if (!link.dataset.tile) scrollTo(0, 0);
  });
}
