//! Describes the API with which staff read the data of an account and reply to its tickets.

use domain::{
    AccountId, AuditEntryId, GenerationId, PaymentId, Refusal,
    staff::{
        audit,
        justification::Justification,
        role::Role::{Administrator, Finance, Support},
    },
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::{activity::ActivityPage, profile::AccountView},
    generations::{
        generation::{GenerationPage, GenerationView},
        uploads::UploadView,
    },
    operation::{
        Parameter::{IdempotencyKey, Page},
        operations,
    },
    payments::checkout::PaymentPage,
    privacy::deletion::DeletionView,
    support::tickets::{TicketMessageRequest, TicketPage},
};

operations! {
    /// Opens an access to the data of an account, for some minutes and with a reason (staff). The account owner sees it in
    /// the access log, or later where the law forbids to tell them: then the access shows nothing until a second staff member
    /// approves it. Without an Idempotency-Key a repeat opens another access.
    OPEN = post("/v1/staff/accounts/{account}/accesses", "staff-access")
        .staff(&[Support, Finance])
        .takes::<AccessRequest>(r#"{"reference": "T-1", "reason": "the account owner asked for help", "minutes": 15}"#)
        .parameters(&[IdempotencyKey])
        .returns::<OpenedAccessView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Finds an account by its exact address, a generation, a payment or the provider's id of a transaction, and opens an access to
    /// it, as opening one by its id does (staff). The account owner sees it in the access log. Without an Idempotency-Key a repeat
    /// opens another access.
    FIND = post("/v1/staff/searches", "staff-access")
        .staff(&[Support, Finance])
        .takes::<SearchRequest>(
            r#"{"key": {"email": "ada@example.com"},
                "access": {"reference": "T-1", "reason": "the account owner asked for help", "minutes": 15}}"#
        )
        .parameters(&[IdempotencyKey])
        .returns::<FoundAccountView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Ends all sessions of an account, with a reason that its owner reads in their access log (staff). Access tokens work for up to
    /// 15 more minutes. A repeat ends those that began meanwhile.
    END_SESSIONS = post("/v1/staff/accounts/{account}/sessions/end", "staff-access")
        .staff(&[Administrator])
        .takes::<SessionsEnding>(r#"{"note": "a stolen phone"}"#)
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Requests the deletion of an account whose owner asked for it in writing (staff). The owner gets a mail, reads the reason in
    /// their access log, and can cancel the deletion for seven days at least. With the same Idempotency-Key a repeat gets
    /// the same response and sends the mail again; without one it gets 409.
    REQUEST_DELETION = post("/v1/staff/accounts/{account}/deletion", "staff-access")
        .staff(&[Support])
        .takes::<DeletionForOwner>(r#"{"confirmation": "ada@example.com", "note": "written on 2 May"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<DeletionView>(202).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Shows the profile of an account (staff). Writes an entry of the access log before it responds, as every read under an
    /// access does.
    READ_PROFILE = get("/v1/staff/accounts/{account}/accesses/{access}/profile", "staff-access")
        .staff(&[Support, Finance])
        .returns::<AccountView>(200).problems(&[403, 404, 409, 429]);

    /// Lists the generations of an account, newest first, without their files (staff).
    READ_GENERATIONS = get("/v1/staff/accounts/{account}/accesses/{access}/generations", "staff-access")
        .staff(&[Support])
        .parameters(&[Page]).returns::<GenerationPage>(200).problems(&[400, 403, 404, 409, 429]);

    /// Shows a generation of an account, with links to its files that work for four minutes (staff).
    READ_GENERATION = get("/v1/staff/accounts/{account}/accesses/{access}/generations/{generation}", "staff-access")
        .staff(&[Support])
        .returns::<GenerationView>(200).problems(&[403, 404, 409, 429]);

    /// Lists the uploads of an account, newest first, without their files (staff).
    READ_UPLOADS = get("/v1/staff/accounts/{account}/accesses/{access}/uploads", "staff-access")
        .staff(&[Support])
        .parameters(&[Page]).returns::<UploadPage>(200).problems(&[400, 403, 404, 409, 429]);

    /// Shows an upload of an account, with a link to its file that works for four minutes (staff).
    READ_UPLOAD = get("/v1/staff/accounts/{account}/accesses/{access}/uploads/{upload}", "staff-access")
        .staff(&[Support])
        .returns::<StaffUploadView>(200).problems(&[403, 404, 409, 429]);

    /// Lists the payments of an account, newest first (staff).
    READ_PAYMENTS = get("/v1/staff/accounts/{account}/accesses/{access}/payments", "staff-access")
        .staff(&[Support, Finance])
        .parameters(&[Page]).returns::<PaymentPage>(200).problems(&[400, 403, 404, 409, 429]);

    /// Lists the sign-ins, submissions and checkouts of an account with their network address and client, newest first
    /// (staff).
    READ_ACTIVITY = get("/v1/staff/accounts/{account}/accesses/{access}/activity", "staff-access")
        .staff(&[Support, Finance])
        .parameters(&[Page]).returns::<ActivityPage>(200).problems(&[400, 403, 404, 409, 429]);

    /// Lists the support tickets of an account with their messages, newest first (staff).
    READ_TICKETS = get("/v1/staff/accounts/{account}/accesses/{access}/tickets", "staff-access")
        .staff(&[Support])
        .parameters(&[Page]).returns::<TicketPage>(200).problems(&[400, 403, 404, 429]);

    /// Replies to a ticket, closes it, or both (staff). Writes an entry of the access log with it. Without an
    /// Idempotency-Key a repeat is another message.
    REPLY = post("/v1/staff/accounts/{account}/accesses/{access}/tickets/{ticket}/messages", "staff-access")
        .staff(&[Support])
        .takes::<TicketMessageRequest>(r#"{"text": "Mended.", "close": true}"#)
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Says why, and for how long, a staff member accesses the data of an account. The account owner gets reference and reason
/// with their data.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRequest {
    /// The reference of the request that the access is for.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: String,
    /// The reason.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// The duration in minutes: 1 to 60.
    #[schema(minimum = 1, maximum = 60)]
    pub minutes: u32,
    /// Until when it must not be disclosed to the account owner, at most 366 days from now.
    pub undisclosed_until: Option<Timestamp>,
    /// The legal basis of the non-disclosure. Required with `undisclosed_until`, and only then.
    #[schema(min_length = 1, max_length = 500)]
    pub undisclosed_basis: Option<String>,
}

impl AccessRequest {
    /// Splits the request into its justification and the duration.
    ///
    /// # Errors
    /// Fields break rules.
    pub fn split(self, now: Timestamp) -> Result<(Justification, SignedDuration), Refusal> {
        let undisclosed = (self.undisclosed_until, self.undisclosed_basis);
        let justification = Justification::new((self.reference, self.reason), undisclosed, now)?;
        Ok((justification, audit::access_duration(self.minutes)?))
    }
}

/// Finds an account, and says why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// What finds the account.
    pub key: SearchKey,
    /// The access that is opened.
    pub access: AccessRequest,
}

/// Finds one account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchKey {
    /// The sign-in address.
    Email(String),
    /// The id of a generation.
    Generation(GenerationId),
    /// The id of a payment.
    Payment(PaymentId),
    /// The payment provider's id of a transaction.
    Transaction(String),
}

/// Says why the sessions of an account end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionsEnding {
    /// The reason: 1 to 500 characters. The account owner reads it in their access log.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Asks for the deletion of an account, as its owner did.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionForOwner {
    /// The sign-in address of the account, as it stands in what the owner wrote.
    #[schema(max_length = 128)]
    pub confirmation: String,
    /// The reason: 1 to 500 characters. The account owner reads it in their access log.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Shows an account that was found, with the access to it.
#[derive(Serialize, ToSchema)]
pub struct FoundAccountView {
    /// The id of the account.
    pub account: AccountId,
    /// The access.
    pub access: OpenedAccessView,
}

/// Shows an access that was opened.
#[derive(Serialize, ToSchema)]
pub struct OpenedAccessView {
    /// The id.
    pub id: AuditEntryId,
    /// The name of the staff member in the access log.
    pub staff: String,
    /// When the access expires.
    pub until: Timestamp,
    /// Whether a second staff member must approve the access before it shows anything. The approval has the id of the access.
    pub needs_approval: bool,
}

/// Shows a page of uploads, newest first, without their files.
#[derive(Serialize, ToSchema)]
pub struct UploadPage {
    /// The uploads.
    pub items: Vec<UploadView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Shows an upload with its file to staff.
#[derive(Serialize, ToSchema)]
pub struct StaffUploadView {
    /// The upload.
    pub upload: UploadView,
    /// A link to the file if it is ready. It works for four minutes.
    pub url: Option<String>,
}
