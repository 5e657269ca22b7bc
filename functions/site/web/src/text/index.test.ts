import { beforeEach, describe, expect, it, vi } from "vitest";

import { bytes, duration, loadMessages, money, pickLanguage, relativeTime, text } from ".";

beforeEach(async () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["en-GB"]);
  await loadMessages("en");
});

describe("pickLanguage", () => {
  it("returns the first preferred language that is supported", () => {
    expect(pickLanguage(["fr-FR", "de-AT", "en"])).toBe("de");
  });

  it("returns English if none is supported", () => {
    expect(pickLanguage(["fr", "constructor"])).toBe("en");
    expect(pickLanguage([])).toBe("en");
  });
});

describe("loadMessages", () => {
  it("sets the language of the document", async () => {
    await loadMessages("de");
    expect(document.documentElement.lang).toBe("de");
    expect(text.value.accounts.signIn).toBe("Anmelden");
  });
});

describe("formats", () => {
  it("write amounts with the decimals of their currency", () => {
    expect(money({ amount: 500, currency: "EUR" })).toBe("€5.00");
    expect(money({ amount: 500, currency: "JPY" })).toBe("JP¥500");
  });

  it("write sizes in the largest unit below them", () => {
    expect([0, 999, 3_400_000].map(bytes)).toEqual(["0 byte", "999 byte", "3.4 MB"]);
  });

  it("write times relative to now", () => {
    const now = Date.parse("2026-01-10T00:00:00Z");
    expect(relativeTime("2026-01-13T00:00:00Z", now)).toBe("in 3 days");
    expect(relativeTime("2026-01-09T23:58:00Z", now)).toBe("2 minutes ago");
    expect([duration(4.4), duration(120)]).toEqual(["4s", "2m"]);
  });
});
