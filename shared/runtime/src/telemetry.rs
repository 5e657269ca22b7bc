//! Writes logs as JSON lines and metrics in the embedded metric format, both to standard output.

use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock;
use crate::config::Environment;

/// The CloudWatch namespace of the metrics of this process.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Returns the CloudWatch namespace of the metrics of a stage, so that stages in one AWS account share no metric and no alarm.
#[must_use]
pub fn namespace(stage: &str) -> String {
    format!("Darkroom/{stage}")
}

/// Starts the metrics in the namespace of `STAGE`, and the logs: flat JSON lines without a time, as CloudWatch adds one.
/// `RUST_LOG` sets the level, for all modules or for some (`info,store=debug`); the default is `info`.
pub(crate) fn init(environment: &Environment) {
    NAMESPACE.get_or_init(|| namespace(environment.optional("STAGE").unwrap_or_default()));
    let levels = environment.optional("RUST_LOG").and_then(|levels| levels.parse::<Targets>().ok());
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .without_time();
    let logs = tracing_subscriber::registry()
        .with(logs)
        .with(levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)));
    // Fails only in a test process that has started the logs already.
    let _ = logs.try_init();
}

/// Names the metrics. Alarms and the dashboard use these and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Counts generations that were submitted.
    Submits,
    /// Measures how long a generation was queued before a worker claimed it.
    QueueAgeMs,
    /// Measures how long a call to a provider took.
    ProviderLatencyMs,
    /// Counts calls to a provider by outcome.
    ProviderOutcome,
    /// Counts credits moved from available to held.
    CreditsReserved,
    /// Counts credits moved from held to spent.
    CreditsSettled,
    /// Counts credits moved from held back to available.
    CreditsReleased,
    /// Counts actions of `sweep`.
    SweepActions,
    /// Counts generations that failed after the last attempt, and dead letters that cannot be decoded.
    Abandoned,
    /// Measures the credits by which an account differs from its ledger. Not zero means a defect.
    LedgerDrift,
    /// Counts refusals by a provider that the operator must mend: its key, its funds, a model that is gone, a bad request.
    ProviderRefusals,
    /// Counts models that a provider does not have or will soon end although they are offered, once a day.
    EndingModels,
    /// Counts offers whose provider could not be asked whether it still has the model.
    UnansweredModels,
    /// Counts offers whose provider could not be asked on a whole day whether it still has the model.
    SilentModels,
    /// Counts generations that were not sent to a provider, as the budget of the day for it is spent.
    ProviderBudgets,
    /// Counts payments by outcome, each time that it changes.
    Payments,
    /// Counts credits granted for payments.
    CreditsBought,
    /// Counts credits clawed back after refunds and disputes, less those that were restored.
    CreditsReversed,
    /// Measures the time from a payment to its grant.
    GrantDelayMs,
    /// Counts open checkouts of which the provider could not report whether they are paid.
    UnansweredCheckouts,
    /// Counts unclaimed payments: money for deleted accounts, to be refunded.
    UnclaimedPayments,
    /// Counts faults of the webhook endpoint at Stripe: event types that it lacks, and API versions of another release.
    MissingWebhookEvents,
    /// Counts webhooks that look signed and are not, and signed ones that cannot be read: a secret may be wrong.
    RefusedWebhooks,
    /// Counts values in webhooks that this version does not know. They moved nothing.
    UnknownWebhookValues,
    /// Counts reports that contradict their payment: another amount, receiver or order.
    PaymentMismatches,
    /// Counts accounts that were erased.
    Erasures,
    /// Counts exports that became ready.
    Exports,
    /// Counts exports that were not ready in time.
    FailedExports,
    /// Counts messages to support: tickets, further messages, guest tickets.
    Questions,
    /// Counts replies of staff.
    Answers,
    /// Counts tickets and guest tickets that wait too long for staff.
    LateAnswers,
    /// Counts reports and appeals.
    Reports,
    /// Counts moderation cases that staff must decide soon.
    PressingCases,
    /// Counts codes that the user pool could not mail: its quota is used up, or the mail was not accepted.
    UnsentCodes,
    /// Counts mails of the service that SES did not accept, but for those to an address that it cannot read.
    UnsentMails,
    /// Counts accounts that start without welcome credits, as those of their day are used up.
    WithheldWelcomes,
    /// Measures the days until the certificate ends under which outputs are signed.
    SigningCertificateDays,
    /// Measures the days until the certificate of the web client ends.
    SiteCertificateDays,
    /// Counts outputs that were signed without a time stamp although an authority is chosen.
    MissingTimeStamps,
    /// Counts prompts, starting images and outputs that were blocked.
    BlockedContent,
    /// Counts accesses that staff opened and disclosures that they created.
    StaffAccesses,
    /// Counts roles of staff that were given.
    GrantedRoles,
}

impl Metric {
    /// Lists all metrics.
    pub const ALL: [Self; 42] = [
        Self::Submits,
        Self::QueueAgeMs,
        Self::ProviderLatencyMs,
        Self::ProviderOutcome,
        Self::CreditsReserved,
        Self::CreditsSettled,
        Self::CreditsReleased,
        Self::SweepActions,
        Self::Abandoned,
        Self::LedgerDrift,
        Self::ProviderRefusals,
        Self::EndingModels,
        Self::UnansweredModels,
        Self::SilentModels,
        Self::ProviderBudgets,
        Self::Payments,
        Self::CreditsBought,
        Self::CreditsReversed,
        Self::GrantDelayMs,
        Self::UnansweredCheckouts,
        Self::UnclaimedPayments,
        Self::MissingWebhookEvents,
        Self::RefusedWebhooks,
        Self::UnknownWebhookValues,
        Self::PaymentMismatches,
        Self::Erasures,
        Self::Exports,
        Self::FailedExports,
        Self::Questions,
        Self::Answers,
        Self::LateAnswers,
        Self::Reports,
        Self::PressingCases,
        Self::UnsentCodes,
        Self::UnsentMails,
        Self::WithheldWelcomes,
        Self::SigningCertificateDays,
        Self::SiteCertificateDays,
        Self::MissingTimeStamps,
        Self::BlockedContent,
        Self::StaffAccesses,
        Self::GrantedRoles,
    ];

    /// Returns the name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submits => "Submits",
            Self::QueueAgeMs => "QueueAgeMs",
            Self::ProviderLatencyMs => "ProviderLatencyMs",
            Self::ProviderOutcome => "ProviderOutcome",
            Self::CreditsReserved => "CreditsReserved",
            Self::CreditsSettled => "CreditsSettled",
            Self::CreditsReleased => "CreditsReleased",
            Self::SweepActions => "SweepActions",
            Self::Abandoned => "Abandoned",
            Self::LedgerDrift => "LedgerDrift",
            Self::ProviderRefusals => "ProviderRefusals",
            Self::EndingModels => "EndingModels",
            Self::UnansweredModels => "UnansweredModels",
            Self::SilentModels => "SilentModels",
            Self::ProviderBudgets => "ProviderBudgets",
            Self::Payments => "Payments",
            Self::CreditsBought => "CreditsBought",
            Self::CreditsReversed => "CreditsReversed",
            Self::GrantDelayMs => "GrantDelayMs",
            Self::UnansweredCheckouts => "UnansweredCheckouts",
            Self::UnclaimedPayments => "UnclaimedPayments",
            Self::MissingWebhookEvents => "MissingWebhookEvents",
            Self::RefusedWebhooks => "RefusedWebhooks",
            Self::UnknownWebhookValues => "UnknownWebhookValues",
            Self::PaymentMismatches => "PaymentMismatches",
            Self::Erasures => "Erasures",
            Self::Exports => "Exports",
            Self::FailedExports => "FailedExports",
            Self::Questions => "Questions",
            Self::Answers => "Answers",
            Self::LateAnswers => "LateAnswers",
            Self::Reports => "Reports",
            Self::PressingCases => "PressingCases",
            Self::UnsentCodes => "UnsentCodes",
            Self::UnsentMails => "UnsentMails",
            Self::WithheldWelcomes => "WithheldWelcomes",
            Self::SigningCertificateDays => "SigningCertificateDays",
            Self::SiteCertificateDays => "SiteCertificateDays",
            Self::MissingTimeStamps => "MissingTimeStamps",
            Self::BlockedContent => "BlockedContent",
            Self::StaffAccesses => "StaffAccesses",
            Self::GrantedRoles => "GrantedRoles",
        }
    }

    /// Returns the unit in CloudWatch.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::QueueAgeMs | Self::ProviderLatencyMs | Self::GrantDelayMs => "Milliseconds",
            _ => "Count",
        }
    }

    /// Returns the names of the dimensions, in the order in which [`metric`] takes their values.
    #[must_use]
    pub const fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::QueueAgeMs => &["kind"],
            Self::BlockedContent => &["stage"],
            Self::ProviderLatencyMs
            | Self::ProviderRefusals
            | Self::UnansweredModels
            | Self::ProviderBudgets
            | Self::UnansweredCheckouts
            | Self::PaymentMismatches
            | Self::RefusedWebhooks
            | Self::UnknownWebhookValues => &["provider"],
            Self::ProviderOutcome | Self::Payments => &["provider", "outcome"],
            Self::SweepActions => &["action"],
            _ => &[],
        }
    }
}

/// Writes a measurement. `dimensions` are the values of [`Metric::dimensions`]. CloudWatch charges for each combination of values, so
/// a value is one of a few words and never an id. Ignores a line that cannot be written.
pub fn metric(metric: Metric, value: i64, dimensions: &[&str]) {
    let namespace = NAMESPACE.get_or_init(|| namespace("test"));
    let mut line = emf(namespace, metric, (value, dimensions), clock::now().as_millisecond()).to_string();
    line.push('\n');
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// Formats the line in the [embedded metric format].
///
/// [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
fn emf(namespace: &str, metric: Metric, (value, dimensions): (i64, &[&str]), timestamp_ms: i64) -> Value {
    debug_assert_eq!(metric.dimensions().len(), dimensions.len(), "{} has other dimensions", metric.name());
    let mut line: Map<String, Value> =
        metric.dimensions().iter().zip(dimensions).map(|(&name, &value)| (name.to_owned(), value.into())).collect();
    line.insert(metric.name().to_owned(), value.into());
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": timestamp_ms,
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [metric.dimensions()],
                "Metrics": [{ "Name": metric.name(), "Unit": metric.unit() }],
            }],
        }),
    );
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the rules of the specification; CloudWatch ignores lines that break them.
    fn check(metric: Metric) {
        let values = vec!["sketch"; metric.dimensions().len()];
        let line = emf(&namespace("prod"), metric, (7, &values), 1_790_000_000_000);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert!(line["_aws"]["Timestamp"].is_u64());
        assert_eq!(directive["Namespace"], "Darkroom/prod");
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "dimension {dimension} has no value");
        }
        let definition = &directive["Metrics"][0];
        assert_eq!(line[definition["Name"].as_str().unwrap()], 7);
        assert!(["Milliseconds", "Count"].contains(&definition["Unit"].as_str().unwrap()));
    }

    #[test]
    fn metrics_are_valid_embedded_metrics() {
        Metric::ALL.into_iter().for_each(check);
    }

    #[test]
    fn metric_names_are_unique() {
        let names: std::collections::HashSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
