//! Describes the API of the profile and its corrections.

use std::collections::BTreeSet;

use domain::{
    AccountId, CorrectionId,
    accounts::{
        account::Account,
        correction::{CorrectedField, Correction, CorrectionRecord},
        plan::Plan,
        preferences::{Preferences, Theme},
        status::AccountStatus,
        terms::TermsAcceptance,
    },
    credits::ledger::Balance,
    service_settings::ServiceSettings,
    service_texts::ServiceTexts,
    staff::role::Role,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    operation::{
        Parameter::{IdempotencyKey, IfMatch, Page},
        operations,
    },
    payments::freezes::FreezeView,
    privacy::retained::RetainedView,
};

operations! {
    /// Shows the account: profile, credits, plan, limits, preferences.
    SHOW = get("/v1/account", "account")
        .returns::<AccountView>(200).problems(&[404]);

    /// Corrects the display name, the billing address and the preferences. Records which fields were corrected, without
    /// their values. A repeat changes nothing more.
    CORRECT = patch("/v1/account", "account")
        .takes::<AccountCorrection>(r#"{"display_name": "Ada", "preferences": {"theme": "dark"}}"#)
        .parameters(&[IfMatch, IdempotencyKey])
        .returns::<AccountView>(200).problems(&[400, 404, 409, 412, 413, 415, 422, 429]);

    /// Accepts the present terms of service. A repeat changes nothing.
    ACCEPT_TERMS = post("/v1/account/terms", "account")
        .takes::<TermsRequest>(r#"{"version": "2026-11-30"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<TermsView>(200).problems(&[400, 404, 409, 413, 415, 422, 429]);

    /// Lists which fields of the account were corrected and when, newest first. Each record is kept for a year.
    LIST_CORRECTIONS = get("/v1/account/corrections", "account")
        .parameters(&[Page]).returns::<CorrectionPage>(200).problems(&[400]);
}

/// Changes fields of the account. A field that is absent stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountCorrection {
    /// The display name, 1 to 80 characters; `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 80)]
    pub display_name: Option<Option<String>>,
    /// The address for the receipts of payment providers, if it is not the sign-in address; `null` removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = Email, max_length = 128)]
    pub billing_email: Option<Option<String>>,
    /// The preferences.
    pub preferences: Option<PreferencesCorrection>,
}

/// Changes preferences. A preference that is absent stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferencesCorrection {
    /// The color theme of the client.
    pub theme: Option<Theme>,
    /// A language tag such as `en` or `pt-BR`.
    pub language: Option<String>,
}

/// Accepts the terms of service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsRequest {
    /// The version that the person read and accepts: the date on the page `/terms`.
    #[schema(format = Date, max_length = 10)]
    pub version: String,
}

/// Shows which terms of service there are, and which of them the owner of an account accepted.
#[derive(Serialize, ToSchema)]
pub struct TermsView {
    /// The present version.
    pub version: String,
    /// What was accepted last; absent if nothing was.
    pub accepted: Option<TermsAcceptance>,
}

impl TermsView {
    /// Shows the present version, and what was accepted last.
    #[must_use]
    pub fn new(present: &str, accepted: Option<TermsAcceptance>) -> Self {
        Self { version: present.to_owned(), accepted }
    }
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<AccountCorrection> for Correction {
    fn from(body: AccountCorrection) -> Self {
        let preferences = body.preferences.unwrap_or_default();
        Self {
            display_name: body.display_name,
            billing_email: body.billing_email,
            theme: preferences.theme,
            language: preferences.language,
        }
    }
}

/// Shows an account to its owner.
#[derive(Serialize, ToSchema)]
pub struct AccountView {
    /// The id.
    pub id: AccountId,
    /// The sign-in address.
    pub email: String,
    /// The display name.
    pub display_name: Option<String>,
    /// The address for the receipts of payment providers, if it is not the sign-in address.
    pub billing_email: Option<String>,
    /// The plan.
    pub plan: Plan,
    /// Whether the account may spend credits.
    pub status: AccountStatus,
    /// Why the account may not spend credits, oldest first.
    pub frozen_for: Vec<FreezeView>,
    /// Since when publishing and sharing are suspended, if they are.
    pub publishing_suspended_at: Option<Timestamp>,
    /// The terms of service, and what was accepted of them.
    pub terms: TermsView,
    /// The credits.
    pub credits: Balance,
    /// The limits of the plan, and how much of each is used.
    pub limits: LimitsView,
    /// The preferences.
    pub preferences: Preferences,
    /// Data that a legal hold retains, even if the owner deletes it.
    pub held: Vec<RetainedView>,
    /// When the account was created.
    pub created_at: Timestamp,
    /// The roles that the caller has as a staff member, for what the client offers. Left out if there are none, and in what staff
    /// read of an account.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(required = false)]
    pub roles: BTreeSet<Role>,
}

/// Shows a limit and how much of it is used.
#[derive(Serialize, ToSchema)]
pub struct Used {
    /// How much is used now.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

/// Shows the limits of a plan, and how much of each is used.
#[derive(Serialize, ToSchema)]
pub struct LimitsView {
    /// Generations that are queued or running.
    pub jobs_in_flight: Used,
    /// Uploads.
    pub uploads: Used,
    /// Bytes of all uploads.
    pub upload_bytes: Used,
    /// The largest number of outputs of one generation.
    pub outputs_per_generation: u8,
    /// The largest number of pixels of one output.
    pub output_pixels: u32,
    /// The largest number of submissions in a minute.
    pub submits_per_minute: u32,
    /// The largest number of uploads that are declared in an hour.
    pub uploads_per_hour: u32,
    /// The largest number of share links of one image or video.
    pub shares_per_output: u32,
}

impl AccountView {
    /// Shows an account as its owner may see it at `now`: without holds that must not be disclosed yet.
    #[must_use]
    pub fn new(account: Account, (settings, texts): (&ServiceSettings, &ServiceTexts), now: Timestamp) -> Self {
        let held = account.disclosed_holds(now).into_iter().map(RetainedView::from).collect();
        let (limits, status) = (settings.plans.limits(account.plan), account.status());
        let frozen_for = account.freezes.into_iter().filter(|freeze| freeze.lifted_at.is_none());
        let used = |used: u64, limit: u64| Used { used, limit };
        Self {
            id: account.id,
            email: account.email,
            display_name: account.display_name,
            billing_email: account.billing_email,
            plan: account.plan,
            status,
            frozen_for: frozen_for.map(FreezeView::from).collect(),
            publishing_suspended_at: account.publishing_suspension.map(|suspension| suspension.at),
            terms: TermsView::new(&texts.terms.version, account.terms),
            credits: account.balance,
            limits: LimitsView {
                jobs_in_flight: used(account.jobs_in_flight.into(), limits.jobs_in_flight.into()),
                uploads: used(account.uploads.into(), limits.uploads.into()),
                upload_bytes: used(account.upload_bytes, limits.upload_bytes),
                outputs_per_generation: limits.outputs_per_generation,
                output_pixels: limits.output_pixels,
                submits_per_minute: limits.submits.per_minute,
                uploads_per_hour: limits.uploads_per_hour,
                shares_per_output: limits.shares_per_output,
            },
            preferences: account.preferences,
            held,
            created_at: account.created_at,
            roles: BTreeSet::new(),
        }
    }

    /// Adds the roles of the caller, who owns the account.
    #[must_use]
    pub fn with_roles(self, roles: BTreeSet<Role>) -> Self {
        Self { roles, ..self }
    }
}

/// Shows which fields of the account were corrected, and when.
#[derive(Serialize, ToSchema)]
pub struct CorrectionView {
    /// The id.
    pub id: CorrectionId,
    /// The corrected fields.
    pub fields: BTreeSet<CorrectedField>,
    /// When they were corrected.
    pub at: Timestamp,
}

impl From<CorrectionRecord> for CorrectionView {
    fn from(record: CorrectionRecord) -> Self {
        let CorrectionRecord { id, fields, at, .. } = record;
        Self { id, fields, at }
    }
}

/// Shows a page of corrections, newest first.
#[derive(Serialize, ToSchema)]
pub struct CorrectionPage {
    /// The corrections.
    pub items: Vec<CorrectionView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::session::SIGN_UP;

    #[test]
    fn examples_accept_the_present_terms() {
        for operation in [&ACCEPT_TERMS, &SIGN_UP] {
            assert!(
                operation.body.unwrap().example.contains(&domain::service_texts::compiled().terms.version),
                "{operation}"
            );
        }
    }
}
