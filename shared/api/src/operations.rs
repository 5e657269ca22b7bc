//! The table of operations: one row for each route of the template.

/// A parameter beside the path's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `Idempotency-Key`.
    IdempotencyKey,
    /// `If-Match`.
    IfMatch,
    /// `X-CSRF-Token`.
    CsrfToken,
    /// `Stripe-Signature`.
    StripeSignature,
    /// `limit` and `cursor`.
    Page,
    /// `status`, `kind` and `visibility`.
    Filter,
    /// `from` and `to`.
    Period,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// In lower case.
    pub method: &'static str,
    /// With its parameters in braces.
    pub path: &'static str,
    /// The function that answers it.
    pub function: &'static str,
    /// Whether it needs no access token.
    pub open: bool,
    /// What it does, and what a repeat does.
    pub summary: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// The schema of its body.
    pub body: Option<&'static str>,
    /// The type of its body.
    pub content_type: &'static str,
    /// What it answers when all is well: status and schema.
    pub answer: (u16, Option<&'static str>),
    /// The statuses of its problems.
    pub problems: &'static [u16],
}

use Parameter::{CsrfToken, Filter, IdempotencyKey, IfMatch, Page, Period, StripeSignature};

const BODY: &[u16] = &[400, 413, 415, 429];

const fn open(method: &'static str, path: &'static str, function: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        function,
        open: true,
        summary,
        parameters: &[],
        body: None,
        content_type: "application/json",
        answer: (204, None),
        problems: &[],
    }
}

const fn own(method: &'static str, path: &'static str, function: &'static str, summary: &'static str) -> Operation {
    Operation { open: false, ..open(method, path, function, summary) }
}

impl Operation {
    const fn takes(self, body: &'static str) -> Self {
        Self { body: Some(body), ..self }
    }

    const fn takes_form(self, body: &'static str) -> Self {
        Self { body: Some(body), content_type: "application/x-www-form-urlencoded", ..self }
    }

    const fn with(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    const fn gives(self, status: u16, schema: &'static str) -> Self {
        Self { answer: (status, Some(schema)), ..self }
    }

    const fn answers(self, status: u16) -> Self {
        Self { answer: (status, None), ..self }
    }

    const fn or(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }
}

/// Every operation.
pub const OPERATIONS: &[Operation] = &[
    open("post", "/v1/session/sign-up", "session", "Sign up. A code is sent to the address. The answer is the same whether the address is known or not.")
        .takes("Credentials").answers(202).or(BODY),
    open("post", "/v1/session/confirm", "session", "Confirm the address with the code that was sent to it.")
        .takes("Confirmation").or(BODY),
    open("post", "/v1/session/resend", "session", "Send the code once more. The answer is the same whether the address is known or not.")
        .takes("Address").answers(202).or(BODY),
    open("post", "/v1/session/sign-in", "session", "Sign in. The first time makes the account, once.")
        .takes("Credentials").gives(200, "SignedIn").or(&[400, 401, 413, 415, 429]),
    open("post", "/v1/session/refresh", "session", "A new access token for the cookie's refresh token, which is replaced.")
        .with(&[CsrfToken]).gives(200, "SignedIn").or(&[401, 429]),
    open("post", "/v1/session/sign-out", "session", "End the session. A repeat is as good, and so is a request without a session.")
        .with(&[CsrfToken]).or(&[401, 429]),
    open("post", "/v1/session/forgot", "session", "Send a code that allows a new password. The answer is the same whether the address is known or not.")
        .takes("Address").answers(202).or(BODY),
    open("post", "/v1/session/reset", "session", "Set a new password with the code that was sent. Ends every session.")
        .takes("PasswordReset").or(BODY),
    own("get", "/v1/account", "account", "The account: credits, plan, limits, preferences.")
        .gives(200, "AccountView").or(&[404]),
    own("patch", "/v1/account", "account", "Correct the name, the address of receipts, and the preferences. What was corrected is recorded, without what it was before.")
        .takes("AccountCorrection").with(&[IfMatch, IdempotencyKey]).gives(200, "AccountView").or(&[400, 404, 409, 412, 413, 415, 422]),
    own("get", "/v1/account/statement", "account", "What moved in a period, with opening and closing balance, oldest first.")
        .with(&[Period, Page]).gives(200, "Statement").or(&[400, 404]),
    own("get", "/v1/account/activity", "account", "Sign-ins, submits and checkouts with their address and client, newest first; kept for 90 days.")
        .with(&[Page]).gives(200, "ActivityPage").or(&[400]),
    open("get", "/v1/models", "submit", "The models that can be chosen, what they can do and what they cost.")
        .gives(200, "Models"),
    own("post", "/v1/generations/quote", "submit", "What a generation would cost. Nothing is reserved.")
        .takes("GenerationRequest").gives(200, "QuoteView").or(&[400, 404, 413, 415]),
    own("post", "/v1/generations", "submit", "Reserve the credits and queue a generation. With the same Idempotency-Key and body a repeat gives the same answer, with another body 422.")
        .takes("GenerationRequest").with(&[IdempotencyKey]).gives(202, "GenerationView").or(&[400, 402, 403, 404, 409, 413, 415, 422, 429]),
    own("post", "/v1/generations/{id}/cancel", "submit", "Take a generation back before it ends; its credits come back. A repeat gives the same answer; one that ended otherwise is 409.")
        .with(&[IdempotencyKey]).gives(200, "GenerationView").or(&[400, 404, 409, 422]),
    own("post", "/v1/uploads", "upload-presign", "Declare an upload and get the request that sends it, which binds its type, size and SHA-256 and expires after 15 minutes.")
        .takes("UploadRequest").with(&[IdempotencyKey]).gives(201, "UploadView").or(&[400, 403, 404, 409, 413, 415, 422]),
    own("get", "/v1/uploads/{id}", "upload-presign", "An upload, and whether it is ready.")
        .gives(200, "UploadView").or(&[404]),
    own("delete", "/v1/uploads/{id}", "upload-presign", "Remove an upload, all versions of its file.")
        .with(&[IdempotencyKey]).or(&[400, 404, 409, 422]),
    open("get", "/v1/gallery", "gallery", "What is public, newest first.")
        .with(&[Page]).gives(200, "PublicPage").or(&[400]),
    open("get", "/v1/shared/{token}", "gallery", "What a share link shows.")
        .gives(200, "SharedView").or(&[404]),
    own("get", "/v1/generations", "gallery", "Own generations, newest first.")
        .with(&[Filter, Page]).gives(200, "GenerationPage").or(&[400]),
    own("get", "/v1/generations/{id}", "gallery", "One generation, with links to its files that live four minutes.")
        .gives(200, "GenerationView").or(&[404]),
    own("delete", "/v1/generations/{id}", "gallery", "Remove a generation that has ended: its files in all versions, its share links.")
        .with(&[IdempotencyKey]).or(&[400, 404, 409, 422]),
    own("put", "/v1/generations/{id}/visibility", "visibility", "Show it to everybody, or to nobody but you. A repeat changes nothing.")
        .takes("VisibilityRequest").with(&[IdempotencyKey, IfMatch]).gives(200, "GenerationView").or(&[400, 404, 409, 412, 413, 415, 422]),
    own("post", "/v1/generations/{id}/shares", "visibility", "A new link that shows it to whoever has the link.")
        .takes("ShareRequest").with(&[IdempotencyKey]).gives(201, "ShareView").or(&[400, 403, 404, 409, 413, 415, 422]),
    own("get", "/v1/generations/{id}/shares", "visibility", "The links, without their tokens.")
        .gives(200, "Shares").or(&[404]),
    own("delete", "/v1/generations/{id}/shares/{share}", "visibility", "Revoke a link, at once.")
        .with(&[IdempotencyKey]).or(&[400, 404, 409, 422]),
    open("get", "/v1/packages", "checkout", "The packages of credits, and who takes the money. One payment each; credits never expire.")
        .gives(200, "Packages"),
    own("post", "/v1/checkout", "checkout", "Begin to buy a package. The answer has the provider's page to pay on, once. A repeat with the same Idempotency-Key gives the same page, without one another checkout.")
        .takes("CheckoutRequest").with(&[IdempotencyKey]).gives(201, "PaymentView").or(&[400, 404, 409, 413, 415, 422, 429, 502]),
    own("get", "/v1/checkout", "checkout", "Own payments, newest first.")
        .with(&[Page]).gives(200, "PaymentPage").or(&[400]),
    own("get", "/v1/checkout/{id}", "checkout", "A payment. While it is open the provider is asked, so what is paid is granted here and now.")
        .gives(200, "PaymentView").or(&[404]),
    own("post", "/v1/checkout/{id}/capture", "checkout", "Take the money that the buyer has approved with PayPal, and grant the credits. A repeat takes nothing more; with the same Idempotency-Key it gives the same answer. 409 says what the buyer can do.")
        .with(&[IdempotencyKey]).gives(200, "PaymentView").or(&[400, 404, 409, 422, 429, 502]),
    open("post", "/v1/webhooks/stripe", "stripe-webhook", "For Stripe's events. A repeat changes nothing.")
        .takes("StripeEvent").with(&[StripeSignature]).or(&[400, 413]),
    open("post", "/v1/webhooks/paypal", "paypal-ipn", "For PayPal's instant payment notifications. What is taken in is checked with PayPal before it counts. A repeat changes nothing.")
        .takes_form("IpnMessage").answers(200).or(&[400, 413]),
    own("get", "/v1/staff/reviews", "staff-review", "For staff: payments that wait for a decision, money that no account claims and that must go back, questions and letters that are not answered, accounts that may not spend; of each kind the longest waiting first.")
        .with(&[Page]).gives(200, "ReviewPage").or(&[400, 404]),
    own("post", "/v1/staff/accounts/{account}/payments/{payment}/decision", "staff-review", "For staff: grant the credits of a payment that waits, or refuse them for now.")
        .takes("PaymentDecision").with(&[IdempotencyKey]).gives(200, "HeldPaymentView").or(&[400, 404, 409, 413, 415, 422]),
    own("post", "/v1/staff/accounts/{account}/spending", "staff-review", "For staff: stop an account's spending, or let it spend again.")
        .takes("SpendingDecision").with(&[IdempotencyKey]).gives(200, "FrozenAccountView").or(&[400, 404, 409, 413, 415, 422]),
    own("post", "/v1/staff/unclaimed/{payment}/refunded", "staff-review", "For staff: money that no account claims went back, by hand at its provider. It leaves the list.")
        .with(&[IdempotencyKey]).gives(200, "UnclaimedView").or(&[400, 404, 409, 422]),
    own("post", "/v1/privacy/deletion", "privacy-delete", "Delete the account and everything in it. Needs a recent sign-in and the account's address. From now on its tokens open nothing but this. A repeat with the same Idempotency-Key gives the same answer, another one is a conflict.")
        .takes("DeletionRequest").with(&[IdempotencyKey]).gives(202, "DeletionView").or(&[400, 403, 409, 413, 415, 422]),
    own("get", "/v1/privacy/deletion", "privacy-delete", "The deletion that was asked for.")
        .gives(200, "DeletionView").or(&[404]),
    own("delete", "/v1/privacy/deletion", "privacy-delete", "Keep the account after all, as long as the deletion has not begun. What was public or shared stays withdrawn.")
        .with(&[IdempotencyKey]).or(&[400, 404, 409, 422]),
    open("get", "/v1/privacy/receipts/{id}", "privacy-delete", "The receipt of a deletion: what went and what the law keeps, by kind and count. Needs no account.")
        .gives(200, "ReceiptView").or(&[404]),
    own("post", "/v1/privacy/exports", "privacy-export", "Have everything that is held made into one archive, within a day. Needs a recent sign-in. One is made at a time: while it is, another is a conflict. A repeat with the same Idempotency-Key gives the same answer.")
        .with(&[IdempotencyKey]).gives(202, "ExportView").or(&[400, 403, 409, 422]),
    own("get", "/v1/privacy/exports", "privacy-export", "The archives that were asked for and not removed yet. One goes seven days after it is ready.")
        .gives(200, "Exports"),
    own("get", "/v1/privacy/exports/{id}", "privacy-export", "One archive: how far it is and, for a day from when it is ready, a link to it that lives five minutes.")
        .gives(200, "ExportView").or(&[404]),
    own("post", "/v1/account/email", "account", "Ask for another address to sign in with. Needs a recent sign-in. A code is sent to the present address and another one to the new address; the answer is the same whether that one is registered or not. Asking again replaces the codes.")
        .takes("Address").with(&[IdempotencyKey]).answers(202).or(&[400, 403, 409, 413, 415, 422, 429]),
    own("post", "/v1/account/email/confirm", "account", "Change the address with both codes, within fifteen minutes. Ends every session; access tokens in hand live on for up to fifteen minutes. The old address is told.")
        .takes("EmailConfirmation").with(&[IdempotencyKey]).or(&[400, 409, 413, 415, 422]),
    own("get", "/v1/account/corrections", "account", "What of the account was corrected and when, newest first; kept for a year.")
        .with(&[Page]).gives(200, "CorrectionPage").or(&[400]),
    own("get", "/v1/account/access", "account", "What staff looked at, when and why, newest first; without what the law forbids to tell, until then.")
        .with(&[Page]).gives(200, "AuditPage").or(&[400]),
    own("post", "/v1/staff/accounts/{account}/accesses", "staff-access", "For staff: open an access to what is somebody's, for some minutes, with its reason. The owner reads it. Without an Idempotency-Key a repeat opens another one.")
        .takes("AccessRequest").with(&[IdempotencyKey]).gives(201, "OpenedAccessView").or(&[400, 403, 404, 409, 413, 415, 422]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/profile", "staff-access", "For staff: the profile. Each look is written into the owner's log before it is answered; so is each of those below.")
        .gives(200, "AccountView").or(&[403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/generations", "staff-access", "For staff: generations, newest first, without their files.")
        .with(&[Page]).gives(200, "GenerationPage").or(&[400, 403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/generations/{generation}", "staff-access", "For staff: one generation, with links to its files that live four minutes.")
        .gives(200, "GenerationView").or(&[403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/uploads", "staff-access", "For staff: uploads, newest first, without their files.")
        .with(&[Page]).gives(200, "UploadPage").or(&[400, 403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/uploads/{upload}", "staff-access", "For staff: one upload, with a link to its file that lives four minutes.")
        .gives(200, "StaffUploadView").or(&[403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/payments", "staff-access", "For staff: payments, newest first.")
        .with(&[Page]).gives(200, "PaymentPage").or(&[400, 403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/activity", "staff-access", "For staff: sign-ins, submits and checkouts with their address and client, newest first.")
        .with(&[Page]).gives(200, "ActivityPage").or(&[400, 403, 404, 409]),
    own("get", "/v1/staff/accounts/{account}/accesses/{access}/tickets", "staff-access", "For staff: questions with what was said about them, newest first.")
        .with(&[Page]).gives(200, "TicketPage").or(&[400, 403, 404]),
    own("post", "/v1/staff/accounts/{account}/accesses/{access}/tickets/{ticket}/messages", "staff-access", "For staff: answer a question, close it, or both. It is written into the owner's log with the answer. Without an Idempotency-Key a repeat is another message.")
        .takes("TicketMessageRequest").with(&[IdempotencyKey]).or(&[400, 403, 404, 409, 413, 415, 422]),
    own("post", "/v1/staff/accounts/{account}/holds", "staff-access", "For staff: keep what is named from being erased, by its owner, by its time or with the account. Without an Idempotency-Key a repeat is another hold.")
        .takes("HoldRequest").with(&[IdempotencyKey]).gives(201, "PlacedHoldView").or(&[400, 404, 409, 413, 415, 422]),
    own("get", "/v1/staff/accounts/{account}/holds", "staff-access", "For staff: the legal holds on an account, the oldest first.")
        .gives(200, "HoldsView").or(&[404]),
    own("delete", "/v1/staff/accounts/{account}/holds/{hold}", "staff-access", "For staff: release a hold. What only it kept goes. A repeat changes nothing.")
        .with(&[IdempotencyKey]).or(&[400, 404, 409, 422]),
    own("post", "/v1/staff/accounts/{account}/disclosures", "staff-access", "For staff: put together what a lawful request demands: a document of at most 4 MiB, and at most 500 files. It stays for seven days. Without an Idempotency-Key a repeat makes another one.")
        .takes("DisclosureRequest").with(&[IdempotencyKey]).gives(201, "DisclosureView").or(&[400, 403, 404, 409, 413, 415, 422]),
    own("get", "/v1/staff/accounts/{account}/disclosures/{disclosure}", "staff-access", "For staff: fetch what was put together, with links that live four minutes. For whoever put it together.")
        .gives(200, "DisclosureView").or(&[403, 404, 409]),
    open("get", "/v1/privacy/inventory", "openapi", "Everything that is held, what for, how long, and how it is taken out and erased. What is not in it is not held.")
        .gives(200, "Inventory"),
    open("get", "/v1/privacy/policy", "openapi", "What is promised, promise by promise, with the tests that show it, as a page (HTML).")
        .answers(200),
    own("post", "/v1/support/tickets", "support", "Ask staff something, about a picture or a payment perhaps. A day has ten questions. Without an Idempotency-Key a repeat is another question.")
        .takes("TicketRequest").with(&[IdempotencyKey]).gives(201, "TicketView").or(&[400, 409, 413, 415, 422, 429]),
    own("get", "/v1/support/tickets", "support", "Own questions with their answers, newest first; kept for 180 days after the last word.")
        .with(&[Page]).gives(200, "TicketPage").or(&[400]),
    own("post", "/v1/support/tickets/{id}/messages", "support", "Say something more, close it, or both. Without an Idempotency-Key a repeat is another message.")
        .takes("TicketMessageRequest").with(&[IdempotencyKey]).gives(200, "TicketView").or(&[400, 404, 409, 413, 415, 422]),
    open("post", "/v1/support/letters", "support", "Ask staff something without being signed in. A code is sent to the address; it is good for 15 minutes, and without it the letter reaches nobody and is deleted. A day has three letters for an address. A repeat is another letter.")
        .takes("GuestTicketRequest").answers(202).or(&[400, 409, 413, 415, 429]),
    open("post", "/v1/support/letters/confirm", "support", "Confirm the address of a letter with the code that was sent there. Staff answer by mail within 30 days. A letter from the address of an account becomes a question of that account; any other goes with the answer. A code is good once; an hour has ten tries for an address, and sixty for a network.")
        .takes("GuestTicketConfirmation").or(&[400, 409, 413, 415, 429]),
    own("post", "/v1/staff/letters/{guest}/{letter}/reads", "support", "For staff: read a letter that is not answered. Whoever wrote it is told who read it and why, with the answer. A repeat is another look; a letter has at most fifty.")
        .takes("GuestTicketReadRequest").gives(200, "GuestTicketView").or(&[400, 404, 409, 413, 415]),
    own("post", "/v1/staff/letters/{guest}/{letter}/answer", "support", "For staff who have read a letter: mail an answer to whoever wrote it, or put it aside without one. It goes with that. If the mail cannot be sent the letter stays.")
        .takes("GuestTicketReply").with(&[IdempotencyKey]).or(&[400, 404, 409, 413, 415, 422]),
    open("get", "/v1/openapi.json", "openapi", "This document.")
        .answers(200),
];
