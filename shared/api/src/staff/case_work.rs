//! Describes the API of what staff do with a case beside deciding it: who has it, and their notes.

use domain::staff::{
    notes::CaseNote,
    open_case::OpenCaseId,
    role::Role::{Finance, Moderation, Support},
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Takes a case, from nobody or from the member who has it, or gives it back (staff). 409 if another member has it than the caller
    /// saw. A repeat changes nothing.
    ASSIGN = post("/v1/staff/reviews/assignment", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .takes::<AssignmentRequest>(
            r#"{"case": {"kind": "ticket", "account": "0190163d-8694-739b-aea5-966c26f8ad91",
                         "id": "0190163d-8694-739b-aea5-966c26f8ad92"}, "take": true}"#
        )
        .parameters(&[IdempotencyKey])
        .returns::<AssignmentView>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Adds an internal note to a case of an account (staff). The account owner sees in the access log that there is one, and gets it
    /// with their data. Without an Idempotency-Key a repeat adds it again.
    ADD_NOTE = post("/v1/staff/reviews/notes", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .takes::<NoteRequest>(
            r#"{"case": {"kind": "ticket", "account": "0190163d-8694-739b-aea5-966c26f8ad91",
                         "id": "0190163d-8694-739b-aea5-966c26f8ad92"}, "text": "asked the provider"}"#
        )
        .parameters(&[IdempotencyKey])
        .returns::<NoteView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Shows the internal notes about a case of an account (staff). Writes an entry of the access log before it responds; so does a
    /// repeat.
    READ_NOTES = post("/v1/staff/reviews/notes/reads", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .takes::<NotesRequest>(
            r#"{"case": {"kind": "ticket", "account": "0190163d-8694-739b-aea5-966c26f8ad91",
                         "id": "0190163d-8694-739b-aea5-966c26f8ad92"}}"#
        )
        .returns::<NotesView>(200).problems(&[400, 403, 404, 409, 413, 415, 429]);
}

/// Decodes what identifies a case. An enum with a tag would take an array for an object.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OpenCaseId, D::Error> {
    let object = Map::<String, Value>::deserialize(deserializer)?;
    serde_json::from_value(object.into()).map_err(D::Error::custom)
}

/// Takes a case or gives it back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRequest {
    /// The case.
    #[serde(deserialize_with = "object")]
    pub case: OpenCaseId,
    /// Whether it is taken. Otherwise it is given back.
    pub take: bool,
    /// The member who has the case as the caller saw it. Without one, nobody.
    pub holder: Option<String>,
}

/// Shows who has a case.
#[derive(Serialize, ToSchema)]
pub struct AssignmentView {
    /// The member of staff, as in access logs; none if nobody has it.
    pub holder: Option<String>,
}

/// Adds a note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// The case. It is about an account: neither a guest ticket nor unclaimed money.
    #[serde(deserialize_with = "object")]
    pub case: OpenCaseId,
    /// The text: 1 to 1,000 characters.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
}

/// Shows a note that was added. Without its text, as the response may be stored with the data of the staff member.
#[derive(Serialize, ToSchema)]
pub struct NoteView {
    /// The member of staff, as in access logs.
    pub staff: String,
    /// When.
    pub at: Timestamp,
}

/// Asks for the notes about a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotesRequest {
    /// The case.
    #[serde(deserialize_with = "object")]
    pub case: OpenCaseId,
}

/// Shows the notes about a case.
#[derive(Serialize, ToSchema)]
pub struct NotesView {
    /// The notes, oldest first.
    pub notes: Vec<CaseNote>,
}

/// Shows what is known of a case beside the case.
#[derive(Serialize, ToSchema)]
pub struct CaseWorkView {
    /// The case: its kind and its id, with a space between.
    pub case: String,
    /// The member of staff who has it, as in access logs; none if nobody has it.
    pub holder: Option<String>,
    /// Whether the caller has it.
    pub mine: bool,
    /// The number of notes about it.
    pub notes: usize,
}
