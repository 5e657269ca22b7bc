//! Lists the operations of all areas.

use std::collections::BTreeSet;

use crate::{
    accounts, catalogue, credits, generations, moderation,
    operation::{Operation, operations},
    payments, privacy, provenance, staff, support,
};

operations! {
    /// Returns the OpenAPI document of this API.
    SHOW_DOCUMENT = get("/v1/openapi.json", "openapi").public()
        .responds(200);
}

/// The lists of operations, one of each file that declares some.
const LISTS: &[&[Operation]] = &[
    accounts::session::OPERATIONS,
    accounts::profile::OPERATIONS,
    accounts::second_factor::OPERATIONS,
    accounts::passkeys::OPERATIONS,
    accounts::email::OPERATIONS,
    accounts::activity::OPERATIONS,
    catalogue::versions::OPERATIONS,
    catalogue::margins::OPERATIONS,
    catalogue::watch::OPERATIONS,
    catalogue::settings::OPERATIONS,
    catalogue::texts::OPERATIONS,
    credits::promotions::OPERATIONS,
    credits::statement::OPERATIONS,
    generations::callbacks::OPERATIONS,
    generations::models::OPERATIONS,
    generations::submission::OPERATIONS,
    generations::generation::OPERATIONS,
    generations::gallery::OPERATIONS,
    generations::shares::OPERATIONS,
    generations::uploads::OPERATIONS,
    payments::checkout::OPERATIONS,
    payments::refunds::OPERATIONS,
    payments::webhooks::OPERATIONS,
    privacy::deletion::OPERATIONS,
    privacy::export::OPERATIONS,
    privacy::inventory::OPERATIONS,
    privacy::policy::OPERATIONS,
    moderation::reports::OPERATIONS,
    moderation::cases::OPERATIONS,
    moderation::transparency::OPERATIONS,
    provenance::check::OPERATIONS,
    support::tickets::OPERATIONS,
    support::guest_tickets::OPERATIONS,
    staff::access::OPERATIONS,
    staff::approvals::OPERATIONS,
    staff::audit::OPERATIONS,
    staff::case_work::OPERATIONS,
    staff::console::OPERATIONS,
    staff::disclosures::OPERATIONS,
    staff::figures::OPERATIONS,
    staff::holds::OPERATIONS,
    staff::members::OPERATIONS,
    staff::record::OPERATIONS,
    staff::reply_templates::OPERATIONS,
    staff::reviews::OPERATIONS,
    OPERATIONS,
];

/// Iterates over all operations.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    LISTS.iter().copied().flatten()
}

/// Lists the operations that are declared for a function, as `get /v1/account`.
#[must_use]
pub fn operations_of(function: &str) -> BTreeSet<String> {
    operations().filter(|operation| operation.function == function).map(ToString::to_string).collect()
}
