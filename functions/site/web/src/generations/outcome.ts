/** What became of a generation that has no images or videos to show. */
import type { Schema } from "../api/client";
import { text } from "../text";
import { ruleNames } from "../ui/error-message";

type Generation = Pick<Schema["GenerationView"], "status" | "failure" | "credits">;

/** Returns how far a generation is, or why there is nothing to show. */
export function outcomeOf({ status, failure, credits }: Generation): string {
  const t = text.value.generations;
  if (failure?.code === "blocked") return t.failures.blocked(failure.stage, ruleNames(failure.categories));
  if (failure) return "reason" in failure ? t.failures[failure.code](failure.reason) : t.failures[failure.code];
  if (status === "canceled") return t.canceled(credits.spent);
  return status === "queued" || status === "running" || status === "canceling"
    ? t[status]
    : text.value.viewer.unavailable;
}
