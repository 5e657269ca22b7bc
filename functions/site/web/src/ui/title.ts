import { useEffect } from "preact/hooks";

import { service } from "../service";

/**
 * Sets the title of the document: on the tab, in the history, and for screen readers. Repeated names count
 * once; without names the title stays.
 */
export function useTitle(...names: readonly (string | undefined)[]): void {
  const title = [...new Set(names.filter(Boolean))].join(" · ");
  useEffect(() => {
    if (title) document.title = `${title} · ${service.value.name}`;
  }, [title, service.value.name]);
}
