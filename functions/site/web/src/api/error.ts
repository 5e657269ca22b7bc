/** What can go wrong with a request, in one shape: for the person to read, and for the page to decide on. */
import type { components } from "contract";

type Problem = components["schemas"]["Problem"];
const PREFIX = "urn:darkroom:problem:";

/** A request that did not do what it was for. */
export class Trouble extends Error {
  /** `offline`, `unreachable`, or the slug of the API's problem, such as `insufficient-credits`. */
  readonly kind: string;
  readonly status: number;
  readonly problem: Problem | undefined;

  constructor(kind: string, status: number, problem?: Problem) {
    super(problem?.title ?? kind);
    this.kind = kind;
    this.status = status;
    this.problem = problem;
  }

  /** The rule that a field breaks, in the API's words. */
  rule(field: string): string | undefined {
    return this.problem?.errors?.find((error) => error.field === field)?.rule;
  }
}

/** What an answer that is no success says. */
export function troubleOf(response: Response, body: unknown): Trouble {
  if (typeof body === "object" && body !== null && "type" in body && typeof body.type === "string") {
    return new Trouble(body.type.replace(PREFIX, ""), response.status, body as Problem);
  }
  if (response.status === 401) return new Trouble("unauthorized", 401);
  if (response.status === 429) return new Trouble("rate-limited", 429);
  return new Trouble(response.status >= 500 ? "internal" : "unreachable", response.status);
}

/** No answer came at all. */
export function silence(): Trouble {
  return new Trouble(navigator.onLine ? "unreachable" : "offline", 0);
}
