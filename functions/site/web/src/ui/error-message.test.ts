import { beforeEach, describe, expect, it } from "vitest";

import { ApiError } from "../api/error";
import { outcomeOf } from "../generations/outcome";
import { loadMessages } from "../text";
import { errorMessage, fieldMessage } from "./error-message";
import { normalizeCode } from "./field";

const problem = (more: object) => ({ type: "", title: "", status: 400, ...more });

describe("messages in German", () => {
  beforeEach(() => loadMessages("de"));

  it("say what happened and when to retry", () => {
    const error = new ApiError("rate-limited", 429, problem({ retry_after: 12 }));
    expect(errorMessage(error)).toBe("Zu viele Anfragen. Versuche es in 12 Sekunden noch einmal.");
  });

  it("name the rules that a prompt breaks", () => {
    const categories = ["sexual_explicit", "a_new_rule"];
    const error = new ApiError("content-blocked", 422, problem({ categories }));
    expect(errorMessage(error)).toMatch(/^Dieser Prompt .* Nicht erlaubt: explizite sexuelle Inhalte, a_new_rule\.$/);
  });

  it("name the rules that a result breaks", () => {
    const failure = { code: "blocked" as const, stage: "outputs" as const, categories: ["violence" as const] };
    const credits = { reserved: 1, spent: 0 };
    expect(outcomeOf({ status: "failed", failure, credits })).toMatch(/^Das Ergebnis .*: drastische Gewalt\./);
  });

  it("exist for problem types that are not known", () => {
    expect(errorMessage(new ApiError("new-problem", 400))).toMatch(/^Etwas ist schiefgelaufen/);
  });

  it("replace the English rule of a field", () => {
    const errors = [
      { field: "password", rule: "must be at least 12 characters" },
      { field: "new_field", rule: "must be odd" },
    ];
    const error = new ApiError("invalid-request", 400, problem({ errors }));
    expect(fieldMessage(error, "password")).toBe(
      "Nimm mindestens 12 Zeichen, die nicht leicht zu erraten sind. Am Anfang und Ende darf kein Leerzeichen stehen.",
    );
    expect(fieldMessage(error, "new_field")).toBe("Prüfe diese Angabe.");
    expect(fieldMessage(error, "email")).toBeUndefined();
    expect(fieldMessage(undefined, "email")).toBeUndefined();
  });
});

describe("normalizeCode", () => {
  it("removes spaces and hyphens", () => {
    expect(normalizeCode(" 123 456-78\n")).toBe("12345678");
  });
});
