/** What packages cost and buy. */
import type { Schema } from "../api/client";

type Currency = Schema["Currency"];
type Model = Schema["ModelView"];

/** Returns the currency that a person in the region of the browser is likely to pay in. */
export function likelyCurrency(): Currency {
  const region = new Intl.Locale(navigator.language).maximize().region ?? "";
  if (region === "GB") return "GBP";
  if (region === "JP") return "JPY";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone.startsWith("Europe/") ? "EUR" : "USD";
}

/**
 * Returns how many images, or videos of the default duration, a number of credits buys with the default models; nothing
 * unless there is a model for both.
 */
export function creditsBuy(
  credits: number,
  models: readonly Model[],
): { images: number; videos: number; seconds: number } | undefined {
  const image = models.find(({ kind }) => kind === "image");
  const video = models.find(({ kind }) => kind === "video");
  const seconds = (video?.durations_ms[0] ?? 0) / 1000;
  if (!image || !video || seconds === 0) return undefined;
  return {
    images: Math.floor(credits / image.credits),
    videos: Math.floor(credits / (video.credits * seconds)),
    seconds,
  };
}
