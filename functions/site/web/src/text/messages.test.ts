import { describe, expect, it } from "vitest";

import { messages as germanConsole } from "../staff/text/de";
import { messages as englishConsole } from "../staff/text/en";
import { messages as german } from "./de";
import { messages as english } from "./en";

/** The messages that German and English share on purpose. */
const SAME_IN_BOTH = new Set([
  "direction",
  "navigation.credits",
  "actions.optional",
  "accounts.code",
  "accounts.limits.uploads",
  "accounts.secondFactor.passkeys",
  "accounts.secondFactor.signInCode",
  "accounts.pages.moderation",
  "accounts.themes.system",
  "generations.prompt",
  "generations.qualities.medium",
  "generations.seed",
  "generations.video",
  "gallery.kinds.video",
  "gallery.video",
  "viewer.details",
  "viewer.seed",
  "credits.title",
  "payments.plans.free",
  "privacy.policy.tests",
  "payments.plans.plus",
  "payments.plans.pro",
  "privacy.accessLog.ticket",
  "privacy.corrections.name",
  "privacy.corrections.fields.display_name",
  "provenance.techniques.c2pa",
  "support.title",
  "support.staff",
  "staff.cases.templates.name",
  "staff.cases.templates.text",
  "staff.catalogue.credits",
  "staff.margins.credits",
]);
/** Arguments of messages that are functions: text, numbers and the kind of a generation. */
const TEXT_ARGUMENTS = ["«one»", "«two»"];
const COUNTS = [0, 1, 2, 1234];

type Message = string | ((...values: never[]) => string);

function flatten(value: unknown, path: string): [string, Message][] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, child]) => flatten(child, path ? `${path}.${key}` : key));
  }
  return [[path, value as Message]];
}

const translated = (messages: object) =>
  flatten(messages, "").filter(([path]) => !/^privacy\.promises\.\d+\.(id|group|to)$/.test(path));

const englishMessages = new Map(translated({ ...english, staff: englishConsole }));
const germanMessages = new Map(translated({ ...german, staff: germanConsole }));

/** Returns which of the arguments a message contains. */
function usedArguments(message: Message): string[] {
  if (typeof message === "string") return [];
  const used = message(...(TEXT_ARGUMENTS as never[]));
  return TEXT_ARGUMENTS.filter((argument) => used.includes(argument));
}

describe("messages", () => {
  it("exist in both languages", () => {
    expect([...germanMessages.keys()].sort()).toEqual([...englishMessages.keys()].sort());
  });

  it("are not empty, and functions where the other language has functions", () => {
    for (const [path, message] of englishMessages) {
      expect(typeof germanMessages.get(path), path).toBe(typeof message);
      if (typeof message === "string") expect(message.trim(), path).not.toBe("");
      if (typeof message === "string") expect(germanMessages.get(path), path).not.toBe("");
    }
  });

  it("contain the same arguments in both languages", () => {
    const takesText = [...englishMessages].filter(([, message]) => {
      try {
        return usedArguments(message).length > 0;
      } catch {
        return false; // it takes counts
      }
    });
    expect(takesText.length).toBeGreaterThan(20);
    for (const [path, message] of takesText) {
      expect(usedArguments(germanMessages.get(path) as Message), path).toEqual(usedArguments(message));
    }
  });

  it("are translated", () => {
    const same = [...englishMessages]
      .filter(([path, message]) => typeof message === "string" && germanMessages.get(path) === message)
      .map(([path]) => path);
    expect(same.filter((path) => !SAME_IN_BOTH.has(path))).toEqual([]);
    expect([...SAME_IN_BOTH].filter((path) => !same.includes(path))).toEqual([]);
  });

  it("list the same promises in both languages", () => {
    const shape = ({ id, group, to }: { id: string; group: string; to: string }) => [id, group, to];
    expect(german.privacy.promises.map(shape)).toEqual(english.privacy.promises.map(shape));
  });

  it("use the plural form of the count", () => {
    const forms = (message: (count: number) => string) => COUNTS.map(message);
    expect(forms(english.credits.count)).toEqual(["0 credits", "1 credit", "2 credits", "1,234 credits"]);
    expect(forms(german.credits.count)).toEqual(["0 Credits", "1 Credit", "2 Credits", "1.234 Credits"]);
    expect(forms(english.errorDetails.retryIn).slice(1, 3)).toEqual([
      "Try again in 1 second.",
      "Try again in 2 seconds.",
    ]);
    expect(german.generations.jobsRunning(1, 1)).toBe("1 von 1 Auftrag läuft");
    expect(german.generations.jobsRunning(1, 3)).toBe("1 von 3 Aufträgen laufen");
  });

  it("name the button after what is generated", () => {
    const { submit } = english.generations;
    expect([submit("image", 1), submit("image", 3), submit("video", 1)]).toEqual([
      "Generate image",
      "Generate 3 images",
      "Generate video",
    ]);
  });
});

/** The sources of the API, in Rust. */
const RUST_SOURCES = import.meta.glob<string>(
  ["../../../../../shared/*/src/**/*.rs", "../../../../../functions/*/src/**/*.rs"],
  { query: "?raw", import: "default", eager: true },
);

describe("messages of errors", () => {
  it("exist for every problem type of the API", () => {
    const types = Object.values(RUST_SOURCES).flatMap((source) => {
      const code = source.split("#[cfg(test)]")[0] ?? "";
      const found = code.matchAll(/(?:Problem|Self)::new\(\s*StatusCode::\w+,\s*"([a-z-]+)"/g);
      return [...found].map(([, type]) => type ?? "");
    });
    expect(types.length).toBeGreaterThan(15);
    // Only programs can cause these.
    const technical = ["not-json", "method-not-allowed", "wrong-address"];
    expect([...new Set(types)].filter((type) => !(type in english.errors) && !technical.includes(type))).toEqual([]);
  });
});

describe("messages of fields", () => {
  it("exist for every field of a form that the API can reject", () => {
    const names = Object.entries(RUST_SOURCES).flatMap(([file, source]) => {
      if (/staff|xtask/.test(file)) return [];
      const code = source.split("#[cfg(test)]")[0] ?? "";
      const found = code.matchAll(/(?:FieldError::new|(?:Refusal|Problem)::invalid)\(\s*"([a-z0-9_.]+)"/g);
      return [...found].map(([, name]) => name ?? "");
    });
    expect(new Set(names).size).toBeGreaterThan(15);
    // No person enters these: the client sets them, or only programs do.
    const technical = [
      "body",
      "query",
      "cursor",
      "limit",
      "from",
      "bytes",
      "content_type",
      "document",
      "sha256",
      "file_name",
    ];
    const fixed = [
      ...technical,
      "preferences.language",
      "setup",
      "amount",
      "expires_in_s",
      "minutes",
      "credits",
      "until",
      "action",
      "passkey",
      "client_data",
      "attestation_object",
    ];
    const missing = [...new Set(names)].filter((name) => !(name in english.fieldErrors) && !fixed.includes(name));
    expect(missing).toEqual([]);
  });
});
