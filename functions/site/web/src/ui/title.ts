import { useEffect } from "preact/hooks";

/** Names the page where the browser does: on its tab, in its history, first thing for who hears it. Nothing names none. */
export function useTitle(...names: readonly (string | undefined)[]): void {
  const title = names.filter(Boolean).join(" · ");
  useEffect(() => {
    if (title) document.title = `${title} · Darkroom`;
  }, [title]);
}
