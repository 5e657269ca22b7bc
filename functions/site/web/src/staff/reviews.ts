/** What waits for a decision or an answer by staff, and who works on it. */
import { api, type Schema, unwrap } from "../api/client";

/** A case, with what is known of it beside. */
export type Review = Schema["ReviewView"] & Partial<Pick<Schema["CaseWorkView"], "holder" | "mine" | "notes">>;

/** The number of cases on each page of the API. */
const PAGE_SIZE = 100;

export async function loadReviews(cursor?: string): Promise<{ items: Review[]; next?: string | null }> {
  const query = { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) };
  const page = await unwrap<Schema["ReviewPage"]>(api.GET("/v1/staff/reviews", { params: { query } }));
  const work = new Map(page.work.map(({ case: name, ...known }) => [name, known]));
  return { ...page, items: page.items.map((review) => ({ ...review, ...work.get(keyOf(review)) })) };
}

/** The name of a case: its kind and its id. */
export function keyOf(review: Review): string {
  const id = "id" in review ? review.id : "payment" in review ? review.payment : review.account;
  return `${review.kind} ${id}`;
}

/** What identifies a case to the API. Approvals have no such id: nobody takes them. */
export function caseId(review: Review): Schema["OpenCaseId"] | undefined {
  switch (review.kind) {
    case "approval":
      return undefined;
    case "unclaimed":
      return { kind: review.kind, payment: review.payment };
    case "guest_ticket":
      return { kind: review.kind, guest: review.guest, id: review.id };
    case "account":
      return { kind: review.kind, account: review.account };
    default:
      return { kind: review.kind, account: review.account, id: review.id };
  }
}

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
