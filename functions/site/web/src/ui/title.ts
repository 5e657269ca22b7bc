import { useEffect } from "preact/hooks";

/** Sets the title of the document: on the tab, in the history, and for screen readers. Without names it stays. */
export function useTitle(...names: readonly (string | undefined)[]): void {
  const title = names.filter(Boolean).join(" · ");
  useEffect(() => {
    if (title) document.title = `${title} · Darkroom`;
  }, [title]);
}
