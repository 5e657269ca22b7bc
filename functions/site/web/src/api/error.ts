/** Errors of API requests: one shape for the message that a person reads and for the decision that a page makes. */
import type { components } from "contract";

type Problem = components["schemas"]["Problem"];
const TYPE_PREFIX = "urn:darkroom:problem:";

/** A request that did not succeed. */
export class ApiError extends Error {
  /** The slug of the problem type, such as `insufficient-credits`, or `offline` or `unreachable` without a response. */
  readonly type: string;
  /** The HTTP status; 0 without a response. */
  readonly status: number;
  /** The problem details of the response, if it had any. */
  readonly problem: Problem | undefined;

  constructor(type: string, status: number, problem?: Problem) {
    super(problem?.title ?? type);
    this.type = type;
    this.status = status;
    this.problem = problem;
  }

  /** Returns whether the API rejected the value of this field. */
  hasField(field: string): boolean {
    return this.problem?.errors?.some((error) => error.field === field) ?? false;
  }
}

/** Creates the error of a response that is not successful. */
export function errorFromResponse(response: Response, body: unknown): ApiError {
  if (typeof body === "object" && body !== null && "type" in body && typeof body.type === "string") {
    return new ApiError(body.type.replace(TYPE_PREFIX, ""), response.status, body as Problem);
  }
  if (response.status === 401) return new ApiError("unauthorized", 401);
  if (response.status === 429) return new ApiError("rate-limited", 429);
  return new ApiError(response.status >= 500 ? "internal" : "unreachable", response.status);
}

/** Creates the error of a request without a response. */
export function connectionError(): ApiError {
  return new ApiError(navigator.onLine ? "unreachable" : "offline", 0);
}
