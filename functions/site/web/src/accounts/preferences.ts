/**
 * Theme and language.
 *
 * Both follow the system until the person chooses. A choice is stored in this browser, for the next first paint, and in the
 * account, for other browsers.
 */
import { effect, signal } from "@preact/signals";

import { LANGUAGES, type Language, loadMessages, pickLanguage } from "../text";

/** How the client looks. */
export type Theme = "system" | "light" | "dark";
export const THEMES = ["system", "light", "dark"] as const;

const THEME_KEY = "theme";
const LANGUAGE_KEY = "language";

/** The current theme. */
export const theme = signal<Theme>("system");

/** Applies the choices that are stored in this browser, and loads the messages. */
export async function loadPreferences(): Promise<void> {
  const stored = localStorage.getItem(THEME_KEY);
  theme.value = THEMES.find((name) => name === stored) ?? "system";
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  const language = localStorage.getItem(LANGUAGE_KEY);
  await loadMessages(pickLanguage(language === null ? navigator.languages : [language]));
}

/** Changes the theme in this browser. */
export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") localStorage.removeItem(THEME_KEY);
  else localStorage.setItem(THEME_KEY, next);
}

/** Changes the language in this browser. */
export async function setLanguage(next: Language): Promise<void> {
  await loadMessages(next);
  localStorage.setItem(LANGUAGE_KEY, next);
}

/** Applies the preferences of the account where this browser has none of its own. */
export async function applyAccountPreferences(preferences: { theme: Theme; language: string }): Promise<void> {
  if (localStorage.getItem(THEME_KEY) === null && preferences.theme !== theme.value) setTheme(preferences.theme);
  const [language] = preferences.language.split("-");
  if (localStorage.getItem(LANGUAGE_KEY) === null && language && language !== "en" && language in LANGUAGES) {
    await setLanguage(language as Language);
  }
}
