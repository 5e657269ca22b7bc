/** Where the person is: the address bar is the only state of it. */
import { computed, signal } from "@preact/signals";

const address = signal(new URL(location.href));

/** The path, as it is in the address bar. */
export const path = computed(() => address.value.pathname);
/** What stands behind the `?`. */
export const query = computed(() => address.value.searchParams);

/** Goes to another page of ours. */
export function go(to: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  address.value = new URL(location.href);
}

/** The parts of the path that the braces of a pattern stand for, or nothing if the path is another one. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const found = path.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== found.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const actual = found[index] ?? "";
    if (part.startsWith("{")) parts[part.slice(1, -1)] = decode(actual);
    else if (part !== actual) return undefined;
  }
  return parts;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Turns clicks on links to our own pages into moves without a reload. */
export function followLinks(): void {
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
    if (link.href === location.href) return;
    go(link.href);
    // What opens over its listing leaves it where it is.
    if (!link.dataset.tile) scrollTo(0, 0);
  });
}
