/**
 * Theme and language.
 *
 * They follow the system until the person chooses. What was chosen is kept in this browser, for the next first paint, and
 * with the account, for other browsers.
 */
import { effect, signal } from "@preact/signals";

import { choose, LANGUAGES, type Language, speak } from "../text";

/** How the client looks. */
export type Theme = "system" | "light" | "dark";
export const THEMES = ["system", "light", "dark"] as const;

const THEME = "theme";
const LANGUAGE = "language";

/** The theme in use. */
export const theme = signal<Theme>("system");

/** Takes up what was chosen in this browser. Nothing is shown before this has resolved. */
export async function take(): Promise<void> {
  const kept = localStorage.getItem(THEME);
  theme.value = THEMES.find((name) => name === kept) ?? "system";
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  const language = localStorage.getItem(LANGUAGE);
  await speak(choose(language === null ? navigator.languages : [language]));
}

/** Changes the theme here. */
export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") localStorage.removeItem(THEME);
  else localStorage.setItem(THEME, next);
}

/** Changes the language here. */
export async function setLanguage(next: Language): Promise<void> {
  await speak(next);
  localStorage.setItem(LANGUAGE, next);
}

/** What is kept with the account wins in a browser in which nothing was chosen yet. */
export async function adopt(kept: { theme: Theme; language: string }): Promise<void> {
  if (localStorage.getItem(THEME) === null && kept.theme !== theme.value) setTheme(kept.theme);
  const [language] = kept.language.split("-");
  if (localStorage.getItem(LANGUAGE) === null && language && language !== "en" && language in LANGUAGES) {
    await setLanguage(language as Language);
  }
}
