/** Whose service this is: its name, operator, colors and logo, as its staff have published them. */
import { computed, signal } from "@preact/signals";

import { api, type Schema, unwrap } from "./api/client";

/** How long the first view waits for it. After that, or without a connection, it shows the name of the software. */
const LONGEST_MS = 1_500;

/** The service; what is not known yet is absent. */
export const service = signal<Partial<Schema["ServiceView"]> & { name: string }>({ name: "Darkroom" });

/** Whether there is something to read about who operates it. */
export const hasImprint = computed(() => {
  const { imprint, contact } = service.value;
  return Boolean(imprint?.en || imprint?.de || contact);
});

/** The beginning of the names of files that are downloaded: what is left of a name in characters that every file system takes. */
export const fileName = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "") || "download";

/** Loads it, and colors the page. */
export async function loadService(): Promise<void> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, LONGEST_MS));
  const loaded = unwrap(api.GET("/v1/service")).then(show, () => undefined);
  await Promise.race([loaded, late]);
}

function show(loaded: Schema["ServiceView"]): void {
  const { light, dark } = loaded.accent;
  document.documentElement.style.setProperty("--accent", `light-dark(${light}, ${dark})`);
  if (document.title === service.value.name) document.title = loaded.name;
  service.value = loaded;
}
