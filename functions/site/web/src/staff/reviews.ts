/** What waits for a decision or an answer by staff. */
import { api, type Schema, unwrap } from "../api/client";

export type Review = Schema["ReviewView"];

/** The number of cases on each page of the API. */
const PAGE_SIZE = 100;

export const loadReviews = (cursor?: string) =>
  unwrap<Schema["ReviewPage"]>(
    api.GET("/v1/staff/reviews", { params: { query: { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) } } }),
  );

/** Since when a case has waited. */
export function since(review: Review): string {
  switch (review.kind) {
    case "account":
      return review.freezes.map(({ at }) => at).sort()[0] ?? new Date().toISOString();
    case "guest_ticket":
      return review.created_at;
    case "case":
    case "ticket":
      return review.since;
    default:
      return review.at;
  }
}
