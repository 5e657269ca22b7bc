//! The settings of the service: what plans allow, welcome credits, and the rules against payment fraud, as one
//! [document](crate::documents) in versions.
//!
//! The compiled default is `shared/domain/service-settings/default.json`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{
    accounts::{
        plan::{Plan, PlanLimits, Plans},
        welcome::WelcomeGrants,
    },
    documents::{Document, Errors},
    payments::fraud::FraudRules,
    refusal::FieldError,
};

/// The longest retention: twenty years.
const RETENTION_DAYS: u32 = 7_300;
/// The most outputs of one generation.
const OUTPUTS: u8 = 16;
/// The most pixels of an output: a square with a side of 8,192.
const PIXELS: u32 = 8_192 * 8_192;
/// The most bytes of uploads of an account: a tebibyte.
const UPLOAD_BYTES: u64 = 1 << 40;
/// The highest of all other numbers.
const MOST: u64 = 1_000_000;

/// The settings of the service.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    /// The number of its version, which the document does not have. 0 is the compiled default.
    #[serde(skip)]
    pub version: u32,
    /// What each plan allows.
    pub plans: Plans,
    /// What a new account gets.
    pub welcome: WelcomeGrants,
    /// When a payment waits for staff, and when an account is frozen.
    pub fraud_rules: FraudRules,
}

static COMPILED: LazyLock<ServiceSettings> =
    LazyLock::new(|| serde_json::from_str(include_str!("../service-settings/default.json")).unwrap_or_default());

/// Returns the compiled default, which is used until a version is published.
#[must_use]
pub fn compiled() -> &'static ServiceSettings {
    &COMPILED
}

impl Document for ServiceSettings {
    const NAME: &'static str = "settings";
    const SCHEMA: &'static str = include_str!("../service-settings/schema.json");

    fn compiled() -> &'static Self {
        compiled()
    }

    fn with_version(self, number: u32) -> Self {
        Self { version: number, ..self }
    }

    fn check(&self) -> Vec<FieldError> {
        let mut errors = Errors::default();
        let plans = [(Plan::Free, "free"), (Plan::Plus, "plus"), (Plan::Pro, "pro")];
        let mut smaller: Option<(&str, [(&str, u64); 12])> = None;
        for (plan, name) in plans {
            let limits = self.plans.limits(plan);
            check_limits(&mut errors, &format!("plans.{name}"), limits);
            let numbers = numbers(limits);
            if let Some((below, least)) = smaller {
                for ((field, number), (_, least)) in numbers.into_iter().zip(least) {
                    let rule = format!("at least that of plans.{below}: {least}");
                    errors.require(number >= least, &format!("plans.{name}.{field}"), rule);
                }
            }
            smaller = Some((name, numbers));
        }
        let WelcomeGrants { credits, grants_per_day, .. } = self.welcome;
        errors.range("welcome.credits", u64::try_from(credits.0).unwrap_or(u64::MAX), 0, MOST);
        errors.range("welcome.grants_per_day", grants_per_day, 0, MOST);
        let rules = &self.fraud_rules;
        errors.range("fraud_rules.payments_per_hour", rules.payments_per_hour.into(), 1, MOST);
        errors.range("fraud_rules.cards_per_hour", rules.cards_per_hour.into(), 1, MOST);
        errors.range("fraud_rules.new_account_days", rules.new_account_days.into(), 0, RETENTION_DAYS.into());
        let credits = u64::try_from(rules.new_account_credits.0).unwrap_or(u64::MAX);
        errors.range("fraud_rules.new_account_credits", credits, 0, MOST * 1_000);
        errors.range("fraud_rules.lost_disputes", rules.lost_disputes.into(), 1, MOST);
        errors.0
    }
}

/// Returns the numbers of a plan, by the names of their fields.
fn numbers(limits: &PlanLimits) -> [(&'static str, u64); 12] {
    [
        ("retention_days", limits.retention_days.into()),
        ("jobs_in_flight", limits.jobs_in_flight.into()),
        ("outputs_per_generation", limits.outputs_per_generation.into()),
        ("output_pixels", limits.output_pixels.into()),
        ("submits.per_minute", limits.submits.per_minute.into()),
        ("submits.burst", limits.submits.burst.into()),
        ("cancels_per_hour", limits.cancels_per_hour.into()),
        ("failed_calls_per_hour", limits.failed_calls_per_hour.into()),
        ("uploads_per_hour", limits.uploads_per_hour.into()),
        ("uploads", limits.uploads.into()),
        ("upload_bytes", limits.upload_bytes),
        ("shares_per_output", limits.shares_per_output.into()),
    ]
}

fn check_limits(errors: &mut Errors, plan: &str, limits: &PlanLimits) {
    for (field, number) in numbers(limits) {
        let most = match field {
            "retention_days" => RETENTION_DAYS.into(),
            "outputs_per_generation" => OUTPUTS.into(),
            "output_pixels" => PIXELS.into(),
            "upload_bytes" => UPLOAD_BYTES,
            _ => MOST,
        };
        errors.range(&format!("{plan}.{field}"), number, 1, most);
    }
}

impl Errors {
    fn range(&mut self, field: &str, number: u64, least: u64, most: u64) {
        self.require((least..=most).contains(&number), field, format!("{least} to {most}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credits::ledger::Credits, documents::assert_schema};

    fn broken(change: impl Fn(&mut ServiceSettings)) -> Vec<String> {
        let mut settings = *compiled();
        change(&mut settings);
        settings.check().into_iter().map(|error| format!("{}: {}", error.field, error.rule)).collect()
    }

    #[test]
    fn compiled_default_is_a_valid_document() {
        let parsed: ServiceSettings = serde_json::from_str(include_str!("../service-settings/default.json")).unwrap();
        assert_eq!(&parsed, compiled());
        assert_eq!(broken(|_| ()), [""; 0]);
    }

    #[test]
    fn published_schema_is_that_of_the_types() {
        assert_schema::<ServiceSettings>("service-settings/schema.json");
    }

    #[test]
    fn number_out_of_its_range_is_refused_with_field_and_rule() {
        assert_eq!(broken(|settings| settings.plans.free.uploads = 0), ["plans.free.uploads: 1 to 1000000"]);
        assert_eq!(
            broken(|settings| settings.plans.pro.retention_days = 7_301),
            ["plans.pro.retention_days: 1 to 7300"]
        );
        assert_eq!(
            broken(|settings| settings.plans.pro.outputs_per_generation = 17),
            ["plans.pro.outputs_per_generation: 1 to 16"]
        );
        assert_eq!(broken(|settings| settings.welcome.credits = Credits(-1)), ["welcome.credits: 0 to 1000000"]);
        assert_eq!(
            broken(|settings| settings.fraud_rules.lost_disputes = 0),
            ["fraud_rules.lost_disputes: 1 to 1000000"]
        );
        assert_eq!(broken(|settings| settings.welcome.grants_per_day = 0), [""; 0], "nobody gets welcome credits");
    }

    #[test]
    fn larger_plan_allows_at_least_what_a_smaller_one_does() {
        assert_eq!(
            broken(|settings| settings.plans.plus.retention_days = 29),
            ["plans.plus.retention_days: at least that of plans.free: 30"]
        );
        assert_eq!(
            broken(|settings| settings.plans.plus.submits.burst = 61),
            ["plans.pro.submits.burst: at least that of plans.plus: 61"]
        );
    }
}
