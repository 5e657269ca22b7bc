/** The messages of the client, and the format of numbers, dates and amounts, in the language of the person. */
import { computed, signal } from "@preact/signals";

import type { Messages } from "./en";

/** The supported languages, each by its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
/** A supported language. */
export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import("./en"),
  de: () => import("./de"),
};

/** The messages. Loaded before the first render. */
export const text = signal<Messages>({} as Messages);
/** The language of the messages. */
export const language = signal<Language>("en");
/** The locale of dates and numbers: that of the browser where its language is the one of the messages. */
export const locale = computed(
  () => navigator.languages.find((tag) => tag.split("-")[0] === language.value) ?? language.value,
);

/** Returns the first preferred language that is supported, or English. */
export function pickLanguage(preferred: readonly string[]): Language {
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0] as Language);
  return known.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en";
}

/** Loads the messages of a language and applies its text direction. */
export async function loadMessages(next: Language): Promise<void> {
  const { messages } = await LOADERS[next]();
  text.value = messages;
  language.value = next;
  document.documentElement.lang = next;
  document.documentElement.dir = messages.direction;
}

/** `1,234` */
export const number = (value: number) => new Intl.NumberFormat(locale.value).format(value);

/** `one, two, and three` */
export const list = (names: readonly string[]) => new Intl.ListFormat(locale.value).format(names);

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
export const date = (at: string) => new Intl.DateTimeFormat(locale.value, { dateStyle: "long" }).format(new Date(at));

/** `23 Nov 2026, 01:44` */
export const dateTime = (at: string) =>
  new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

/** `in 3 days`, `2 minutes ago` */
export function relativeTime(at: string, now = Date.now()): string {
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

/** `November 2026`, of a month such as `2026-11` */
export const monthName = (month: string) =>
  new Intl.DateTimeFormat(locale.value, { month: "long", year: "numeric", timeZone: "UTC" }).format(
    new Date(`${month}-01T00:00:00Z`),
  );

/** `1.5 hours` */
export const hours = (seconds: number) =>
  new Intl.NumberFormat(locale.value, {
    style: "unit",
    unit: "hour",
    unitDisplay: "long",
    maximumFractionDigits: 1,
  }).format(seconds / 3600);

/** `4 s`, `2 min` */
export function duration(seconds: number): string {
  const [value, unit] = seconds < 100 ? [Math.round(seconds), "second"] : [Math.round(seconds / 60), "minute"];
  const format = { style: "unit", unit, unitDisplay: "narrow" } as const;
  return new Intl.NumberFormat(locale.value, format).format(value);
}
