/** The words of the client, and how numbers, times and amounts are written, in the person's language. */
import { computed, signal } from "@preact/signals";

import type { Messages } from "./en";

/** The languages that there are, each in its own words. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
/** A language that there is. */
export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import("./en"),
  de: () => import("./de"),
};

/** The words. Loaded before anything is shown. */
export const text = signal<Messages>({} as Messages);
/** The language that they are in. */
export const language = signal<Language>("en");
/** How dates and numbers are written: as in the person's country, where they speak that language. */
export const locale = computed(
  () => navigator.languages.find((tag) => tag.split("-")[0] === language.value) ?? language.value,
);

/** The language for what a person or a browser prefers, the first that there is. */
export function choose(preferred: readonly string[]): Language {
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0] as Language);
  return known.find((tag) => tag in LANGUAGES) ?? "en";
}

/** Changes the words, and the direction that they are read in. */
export async function speak(next: Language): Promise<void> {
  const { messages } = await LOADERS[next]();
  text.value = messages;
  language.value = next;
  document.documentElement.lang = next;
  document.documentElement.dir = messages.direction;
}

/** `1,234` */
export const number = (value: number) => new Intl.NumberFormat(locale.value).format(value);

/** `€5.00`: amounts are whole numbers of the currency's smallest unit. */
export function money({ amount, currency }: { amount: number; currency: string }): string {
  const format = new Intl.NumberFormat(locale.value, { style: "currency", currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** `3.4 MB` */
export function bytes(value: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const step = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), units.length - 1);
  const unit = units[step] ?? "byte";
  const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: step > 1 ? 1 : 0 } as const;
  return new Intl.NumberFormat(locale.value, format).format(value / 1000 ** step);
}

/** `23 November 2026` */
export const day = (at: string) => new Intl.DateTimeFormat(locale.value, { dateStyle: "long" }).format(new Date(at));

/** `23 Nov 2026, 01:44` */
export const moment = (at: string) =>
  new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

/** `in 3 days`, `2 minutes ago` */
export function relative(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" });
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(Math.trunc(seconds), "second");
}

/** `4 s`, `2 min` */
export function duration(seconds: number): string {
  const [value, unit] = seconds < 100 ? [Math.round(seconds), "second"] : [Math.round(seconds / 60), "minute"];
  const format = { style: "unit", unit, unitDisplay: "narrow" } as const;
  return new Intl.NumberFormat(locale.value, format).format(value);
}
