//! The events, what each comes to, and what that may cost.

use Outcome::{Batch, Done, Http};

/// What the answer to an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An HTTP status.
    Http(u16),
    /// The ids of the records that are to be delivered again.
    Batch(&'static [&'static str]),
    /// Anything but an error.
    Done,
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Its file, from the folder of the workspace.
    pub path: &'static str,
    /// What it comes to.
    pub outcome: Outcome,
    /// The calls to AWS that a process makes for it which has answered one like it before, in order.
    pub calls: &'static [&'static str],
}

impl Event {
    /// The function that it is for.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.path.split('/').nth(1).unwrap_or_default()
    }
}

const fn event(path: &'static str, outcome: Outcome, calls: &'static [&'static str]) -> Event {
    Event { path, outcome, calls }
}

/// Every event, those of a function together; the first of a function is the one that its speed is measured with.
pub const EVENTS: &[Event] = &[
    event(
        "events/session/sign-in.json",
        Http(200),
        &[
            "UpdateItem",
            "UpdateItem",
            "UpdateItem",
            "UpdateItem",
            "InitiateAuth",
            "GetItem",
            "GetItem",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/session/sign-up.json",
        Http(202),
        &["UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "SignUp", "GetItem", "ForgotPassword"],
    ),
    event("events/session/refresh.json", Http(200), &["UpdateItem", "UpdateItem", "GetTokensFromRefreshToken"]),
    event("events/session/sign-out.json", Http(204), &["UpdateItem", "UpdateItem", "RevokeToken"]),
    event(
        "events/session/forgot.json",
        Http(202),
        &["UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "GetItem", "ForgotPassword"],
    ),
    event(
        "events/session/reset.json",
        Http(204),
        &["UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "ConfirmForgotPassword", "AdminUserGlobalSignOut"],
    ),
    event("events/user-pool-trigger/token.json", Done, &[]),
    event("events/user-pool-trigger/sign-up.json", Done, &["PutItem"]),
    event("events/user-pool-trigger/password-code.json", Done, &["GetItem"]),
    event("events/account/read.json", Http(200), &["GetItem", "GetItem"]),
    event("events/account/correct.json", Http(200), &["GetItem", "UpdateItem", "GetItem", "TransactWriteItems"]),
    event("events/account/statement.json", Http(200), &["GetItem", "Query", "BatchGetItem"]),
    event("events/account/activity.json", Http(200), &["GetItem", "Query"]),
    event("events/account/corrections.json", Http(200), &["GetItem", "Query"]),
    event("events/account/email-without-mail.json", Http(409), &["GetItem"]),
    event("events/account/email-confirm-wrong-codes.json", Http(400), &["GetItem", "UpdateItem", "GetItem"]),
    event("events/account/second-factor.json", Http(200), &["GetItem", "GetItem"]),
    event("events/account/second-factor-begin-without-recent-sign-in.json", Http(403), &["GetItem"]),
    event("events/account/second-factor-confirm-unknown-setup.json", Http(400), &["GetItem"]),
    event("events/account/access-log.json", Http(200), &["GetItem", "Query"]),
    event(
        "events/account/redeem-unknown-code.json",
        Http(400),
        &["GetItem", "UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "GetItem"],
    ),
    event("events/submit/create.json", Http(202), &["UpdateItem", "GetItem", "TransactWriteItems", "SendMessage"]),
    event("events/submit/create-above-maximum.json", Http(402), &["UpdateItem", "GetItem"]),
    event("events/submit/models.json", Http(200), &[]),
    event("events/submit/quote.json", Http(200), &["GetItem"]),
    event("events/submit/cancel.json", Http(200), &["UpdateItem", "BatchGetItem", "TransactWriteItems"]),
    event("events/upload-presign/create.json", Http(201), &["GetItem", "UpdateItem", "GetItem", "TransactWriteItems"]),
    event("events/upload-presign/read.json", Http(200), &["GetItem", "GetItem"]),
    event(
        "events/upload-presign/delete.json",
        Http(204),
        &[
            "GetItem",
            "UpdateItem",
            "BatchGetItem",
            "TransactWriteItems",
            "GetItem",
            "ListObjectVersions",
            "DeleteObjects",
            "DeleteItem",
        ],
    ),
    event("events/gallery/list.json", Http(200), &["GetItem", "Query"]),
    event("events/gallery/public.json", Http(200), &["UpdateItem", "UpdateItem", "Query", "BatchGetItem"]),
    event("events/gallery/shared.json", Http(200), &["UpdateItem", "UpdateItem", "GetItem", "BatchGetItem"]),
    event("events/gallery/read.json", Http(200), &["GetItem", "GetItem"]),
    event(
        "events/gallery/delete.json",
        Http(204),
        &[
            "GetItem",
            "UpdateItem",
            "GetItem",
            "PutItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
            "DeleteItem",
            "ListObjectVersions",
            "DeleteObjects",
            "DeleteItem",
        ],
    ),
    // It is the only image of its generation, which is deleted with it.
    event(
        "events/gallery/delete-output.json",
        Http(204),
        &[
            "GetItem",
            "UpdateItem",
            "GetItem",
            "PutItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
            "DeleteItem",
            "ListObjectVersions",
            "DeleteObjects",
            "DeleteItem",
        ],
    ),
    event(
        "events/visibility/publish.json",
        Http(200),
        &["GetItem", "UpdateItem", "BatchGetItem", "TransactWriteItems"],
    ),
    event("events/visibility/favorite.json", Http(200), &["GetItem", "UpdateItem", "GetItem", "PutItem"]),
    event(
        "events/visibility/share.json",
        Http(201),
        &["GetItem", "UpdateItem", "BatchGetItem", "Query", "TransactWriteItems"],
    ),
    event("events/visibility/shares.json", Http(200), &["GetItem", "GetItem", "Query"]),
    event(
        "events/visibility/revoke.json",
        Http(204),
        &["GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event("events/provenance-check/image.json", Http(200), &["UpdateItem", "UpdateItem", "Query"]),
    event("events/provenance-check/no-image.json", Http(400), &[]),
    event("events/checkout/read.json", Http(200), &["GetItem", "GetItem"]),
    event("events/checkout/list.json", Http(200), &["GetItem", "Query"]),
    event("events/checkout/packages.json", Http(200), &[]),
    event(
        "events/checkout/create.json",
        Http(201),
        &["GetItem", "UpdateItem", "GetItem", "GetItem", "UpdateItem", "TransactWriteItems", "TransactWriteItems"],
    ),
    event("events/checkout/capture.json", Http(200), &["GetItem", "UpdateItem", "GetItem"]),
    event(
        "events/stripe-webhook/refunded.json",
        Http(204),
        &["GetItem", "BatchGetItem", "Query", "TransactWriteItems"],
    ),
    event("events/stripe-webhook/unknown-type.json", Http(204), &[]),
    event("events/stripe-webhook/forged.json", Http(400), &[]),
    event("events/paypal-ipn/completed.json", Http(200), &["GetItem", "UpdateItem", "UpdateItem", "SendMessage"]),
    event(
        "events/paypal-webhook/completed.json",
        Http(204),
        &["UpdateItem", "UpdateItem", "GetItem", "BatchGetItem", "Query", "GetItem", "TransactWriteItems"],
    ),
    event("events/paypal-webhook/forged.json", Http(400), &["UpdateItem", "UpdateItem", "GetItem"]),
    event("events/paypal-webhook/refund-of-another-seller.json", Http(204), &["GetItem", "GetItem"]),
    event("events/provider-webhook/replicate.json", Http(204), &["SendMessage"]),
    event("events/provider-webhook/replicate-forged.json", Http(400), &[]),
    event("events/provider-webhook/replicate-unknown-address.json", Http(404), &[]),
    event("events/provider-webhook/fal.json", Http(204), &["SendMessage"]),
    event("events/provider-webhook/fal-forged.json", Http(400), &[]),
    event(
        "events/report/file.json",
        Http(201),
        &["UpdateItem", "UpdateItem", "UpdateItem", "BatchGetItem", "Query", "TransactWriteItems"],
    ),
    event("events/catalogue/list.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem", "Query"]),
    event("events/catalogue/show.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem"]),
    event(
        "events/catalogue/publish.json",
        Http(201),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "Query", "Query", "TransactWriteItems"],
    ),
    event(
        "events/catalogue/publish-after-another.json",
        Http(409),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "Query"],
    ),
    event(
        "events/catalogue/margins.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
        ],
    ),
    event("events/catalogue/schema.json", Http(200), &[]),
    event("events/catalogue/settings-schema.json", Http(200), &[]),
    event("events/catalogue/texts-schema.json", Http(200), &[]),
    event("events/catalogue/service.json", Http(200), &[]),
    event("events/catalogue/terms.json", Http(200), &[]),
    event("events/catalogue/texts.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem", "Query"]),
    event("events/catalogue/show-texts.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem"]),
    event(
        "events/catalogue/publish-texts.json",
        Http(201),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "Query", "Query", "TransactWriteItems"],
    ),
    event("events/catalogue/settings.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem", "Query"]),
    event("events/catalogue/show-settings.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem"]),
    event(
        "events/catalogue/publish-settings.json",
        Http(201),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "Query", "Query", "TransactWriteItems"],
    ),
    event("events/catalogue/promotions.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem", "Query"]),
    event(
        "events/catalogue/publish-promotion.json",
        Http(201),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/catalogue/end-unknown-promotion.json",
        Http(404),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem"],
    ),
    event("events/moderation-cases/list.json", Http(200), &["GetItem", "Query"]),
    event("events/moderation-cases/appeal-without-decision.json", Http(409), &["GetItem", "UpdateItem", "GetItem"]),
    event(
        "events/moderation-cases/read.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "BatchGetItem",
            "BatchGetItem",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/moderation-cases/decide.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "Query",
            "BatchGetItem",
            "Query",
            "TransactWriteItems",
            "DeleteItem",
        ],
    ),
    event(
        "events/moderation-cases/appeal-decision-without-appeal.json",
        Http(409),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "Query", "Query", "BatchGetItem"],
    ),
    event(
        "events/moderation-cases/cybertip-without-evidence.json",
        Http(409),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "Query", "GetItem", "BatchGetItem"],
    ),
    event(
        "events/moderation-cases/publishing.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-review/list.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "GetItem",
            "GetItem",
            "GetItem",
            "GetItem",
            "GetItem",
            "BatchGetItem",
        ],
    ),
    event(
        "events/staff-review/figures.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
            "Query",
        ],
    ),
    event("events/staff-review/models.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem", "GetItem"]),
    event("events/staff-review/console.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem"]),
    event(
        "events/staff-review/decide.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "BatchGetItem",
            "Query",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-review/freeze.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-review/credits.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-review/refunded.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-review/assign.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-review/note.json",
        Http(201),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "GetItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-review/notes.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "GetItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-review/plan.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "Query",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-review/reply-templates.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "GetItem"],
    ),
    event(
        "events/staff-review/replace-reply-templates.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event("events/staff-review/record.json", Http(200), &["GetItem", "AdminListGroupsForUser", "GetItem", "Query"]),
    event(
        "events/staff-review/verify-record.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "Query"],
    ),
    event(
        "events/staff-access/profile.json",
        Http(200),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "BatchGetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-access/generation.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "BatchGetItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-access/reply-to-unknown-ticket.json",
        Http(404),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "BatchGetItem", "GetItem"],
    ),
    event(
        "events/staff-access/open.json",
        Http(201),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-access/approve.json",
        Http(204),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "Query",
            "BatchGetItem",
            "Query",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-access/place-hold.json",
        Http(201),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems"],
    ),
    event(
        "events/staff-access/create-disclosure.json",
        Http(201),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "GetItem",
            "Query",
            "TransactWriteItems",
            "Query",
            "Query",
            "PutObject",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/staff-members/list.json",
        Http(200),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "ListUsersInGroup",
            "ListUsersInGroup",
            "ListUsersInGroup",
            "ListUsersInGroup",
            "Query",
        ],
    ),
    event(
        "events/staff-members/grant.json",
        Http(201),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "AdminGetUser",
            "UpdateItem",
            "GetItem",
            "AdminListGroupsForUser",
        ],
    ),
    event(
        "events/staff-members/revoke.json",
        Http(204),
        &[
            "GetItem",
            "AdminListGroupsForUser",
            "GetItem",
            "UpdateItem",
            "GetItem",
            "AdminListGroupsForUser",
            "Query",
            "Query",
            "TransactWriteItems",
            "AdminUserGlobalSignOut",
            "AdminRemoveUserFromGroup",
        ],
    ),
    event(
        "events/staff-members/invite-without-mail.json",
        Http(409),
        &["GetItem", "AdminListGroupsForUser", "GetItem"],
    ),
    event(
        "events/staff-members/withdraw-unknown-invitation.json",
        Http(404),
        &["GetItem", "AdminListGroupsForUser", "GetItem", "UpdateItem", "GetItem"],
    ),
    event("events/staff-members/own-invitations.json", Http(200), &["GetItem", "GetItem", "Query"]),
    event("events/staff-members/accept-unknown-invitation.json", Http(404), &["GetItem", "UpdateItem", "GetItem"]),
    event("events/privacy-delete/show.json", Http(404), &["GetItem"]),
    event("events/privacy-delete/request-without-recent-sign-in.json", Http(403), &[]),
    event("events/privacy-delete/cancel.json", Http(404), &["UpdateItem", "GetItem"]),
    event("events/privacy-delete/receipt.json", Http(404), &["UpdateItem", "UpdateItem", "GetItem"]),
    event("events/privacy-export/read.json", Http(200), &["GetItem", "GetItem"]),
    event("events/privacy-export/list.json", Http(200), &["GetItem", "Query"]),
    event("events/privacy-export/request-without-recent-sign-in.json", Http(403), &["GetItem"]),
    event("events/support/list.json", Http(200), &["GetItem", "Query"]),
    event("events/support/open.json", Http(201), &["GetItem", "UpdateItem", "UpdateItem", "TransactWriteItems"]),
    event("events/support/close.json", Http(404), &["GetItem", "UpdateItem", "GetItem"]),
    event("events/support/guest-ticket-without-mail.json", Http(409), &[]),
    event(
        "events/support/guest-ticket-confirm-wrong-code.json",
        Http(400),
        &["UpdateItem", "UpdateItem", "UpdateItem", "UpdateItem", "Query"],
    ),
    event("events/site/page.json", Http(200), &[]),
    event("events/site/gallery.json", Http(200), &[]),
    event("events/site/shared.json", Http(200), &["UpdateItem", "UpdateItem", "GetItem", "BatchGetItem"]),
    event("events/site/card.json", Http(302), &["UpdateItem", "UpdateItem", "GetItem", "BatchGetItem"]),
    event("events/openapi/read.json", Http(200), &[]),
    event("events/openapi/inventory.json", Http(200), &[]),
    event("events/openapi/policy.json", Http(200), &[]),
    event(
        "events/upload-inspect/arrived.json",
        Done,
        &[
            "BatchGetItem",
            "GetObject",
            "Query",
            "PutObject",
            "ListObjectVersions",
            "DeleteObjects",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/generate-image/queued.json",
        Batch(&[]),
        &["BatchGetItem", "PutItem", "PutObject", "PutItem", "SendMessage"],
    ),
    event("events/generate-video/queued.json", Batch(&[]), &["BatchGetItem", "PutItem", "PutItem", "SendMessage"]),
    event(
        "events/finish-generation/received.json",
        Batch(&[]),
        &[
            "BatchGetItem",
            "PutItem",
            "GetObject",
            "Sign",
            "PutObject",
            "PutObject",
            "BatchGetItem",
            "TransactWriteItems",
            "DeleteObjects",
        ],
    ),
    event(
        "events/paypal-verify/completed.json",
        Batch(&[]),
        &["GetItem", "BatchGetItem", "UpdateItem", "Query", "GetItem", "TransactWriteItems", "UpdateItem"],
    ),
    event("events/abandon/one-good-one-bad.json", Batch(&[]), &["GetItem", "BatchGetItem", "TransactWriteItems"]),
    event("events/erase-account/taken-back.json", Batch(&[]), &["GetItem"]),
    event("events/erase-account/replay.json", Done, &["Scan", "GetItem", "GetItem"]),
    event(
        "events/export-archive/asked.json",
        Batch(&[]),
        &[
            "GetItem",
            "TransactWriteItems",
            "Query",
            "PutObject",
            "TransactWriteItems",
            "ListObjectsV2",
            "GetItem",
            "PutObject",
            "ListMultipartUploads",
            "CreateMultipartUpload",
            "TransactWriteItems",
            "GetObject",
            "GetObject",
            "GetObject",
            "UploadPart",
            "PutObject",
            "TransactWriteItems",
            "ListParts",
            "CompleteMultipartUpload",
            "ListObjectVersions",
            "TransactWriteItems",
        ],
    ),
    event(
        "events/sweep/tick.json",
        Done,
        &[
            "Query", "Query", "Query", "Query", "Query", "Query", "Query", "Query", "Query", "Query", "Query", "Query",
            "Query", "Query", "Query",
        ],
    ),
    event("events/watch-expiry/tick.json", Done, &["GetItem", "Query", "PutItem"]),
];

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        path::Path,
    };

    use serde_json::Value;

    use super::*;

    #[test]
    fn http_events_call_operations_of_their_function() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut measured: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for event in EVENTS.iter().filter(|event| event.function() != "site") {
            let Outcome::Http(status) = event.outcome else { continue };
            let json: Value = serde_json::from_str(&fs::read_to_string(root.join(event.path)).unwrap()).unwrap();
            let http = &json["requestContext"]["http"];
            let (method, path) = (http["method"].as_str().unwrap(), http["path"].as_str().unwrap());
            let operation = api::operations().find(|operation| operation.matches(method, path));
            let operation = operation.unwrap_or_else(|| panic!("{}: no operation {method} {path}", event.path));
            assert_eq!(operation.function, event.function(), "{}", event.path);
            let promised = operation.response.0 == status || operation.problems.contains(&status);
            assert!(promised, "{}: {operation} does not respond {status}", event.path);
            measured.entry(operation.function).or_default().insert(operation.to_string());
        }
        for function in ["staff-members", "staff-review"] {
            assert_eq!(measured.get(function).unwrap(), &api::operations_of(function), "{function}");
        }
        let functions: BTreeSet<_> = api::operations().map(|operation| operation.function).collect();
        assert_eq!(measured.into_keys().collect::<BTreeSet<_>>(), functions);
    }
}
