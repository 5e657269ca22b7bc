/** Messages of errors, in the language of the person. */
import type { ApiError } from "../api/error";
import { text } from "../text";

/** Returns what happened and what to do next. */
export function errorMessage(error: ApiError): string {
  const messages: Record<string, string> = text.value.errors;
  const happened = messages[error.type] ?? text.value.errors.unknown;
  const rules = ruleNames(error.problem?.categories ?? []);
  const message = rules ? `${happened} ${text.value.errorDetails.rules(rules)}` : happened;
  const wait = error.problem?.retry_after;
  return typeof wait === "number" ? `${message} ${text.value.errorDetails.retryIn(wait)}` : message;
}

/** Names the rules that content breaks, by their categories. */
export function ruleNames(categories: string[]): string {
  const names: Record<string, string> = text.value.rules;
  return categories.map((category) => names[category] ?? category).join(", ");
}

/** Returns what to enter in a field if the API rejected its value. */
export function fieldMessage(error: ApiError | undefined, field: string): string | undefined {
  if (!error?.hasField(field)) return undefined;
  const messages: Record<string, string> = text.value.fieldErrors;
  return messages[field] ?? text.value.fieldHints.unknown;
}
