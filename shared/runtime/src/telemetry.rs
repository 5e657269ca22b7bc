//! Logs as JSON lines, and metrics in the embedded metric format, both on standard output.

use std::io::Write;

use serde_json::{Map, Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock;
use crate::config::Environment;

/// The CloudWatch namespace of every metric.
pub const NAMESPACE: &str = "Darkroom";

/// Starts the logs: JSON, one line each, flat, without a time of their own since CloudWatch stamps every line.
/// `RUST_LOG` sets the level, of everything or by module (`info,store=debug`); it is `info` unless that says otherwise.
pub(crate) fn init(environment: &Environment) {
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
    // Fails only where a test process has logs already.
    let _ = logs.try_init();
}

/// What the functions measure. Alarms and the dashboard name these and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Generations accepted.
    Submits,
    /// How long a generation waited in its queue before it was claimed.
    QueueAgeMs,
    /// How long a provider took for one call.
    ProviderLatencyMs,
    /// Calls to a provider by how they ended.
    ProviderOutcome,
    /// Credits moved from available to held.
    CreditsReserved,
    /// Credits moved from held to spent.
    CreditsSettled,
    /// Credits moved from held back to available.
    CreditsReleased,
    /// What `sweep` found due and did.
    SweepActions,
    /// Generations that failed after the last try.
    Abandoned,
    /// Credits by which an account and its ledger disagree: anything but zero is a defect.
    LedgerDrift,
    /// Refusals by a provider that are our mistake: a bad request or a bad key.
    OurMistake,
    /// Payments by what they came to, each time that it changes.
    Payments,
    /// Credits granted for payments.
    CreditsBought,
    /// Credits taken back after refunds and disputes, less those that were restored.
    CreditsReversed,
    /// How long after it was paid a payment was granted.
    GrantDelayMs,
    /// Open checkouts of which the provider could not say whether they are paid.
    UnansweredCheckouts,
    /// Money for accounts that are gone: it must be refunded.
    UnclaimedPayments,
    /// Events that Stripe does not send though they are handled.
    MissingWebhookEvents,
    /// Messages about payments that cannot be true: another amount, receiver or order.
    PaymentMismatches,
    /// Accounts that were erased.
    Erasures,
    /// Archives of everything that became ready.
    Exports,
    /// Archives of everything that were not ready in time.
    FailedExports,
    /// What people asked staff: questions, what was said after an answer, letters.
    Questions,
    /// What staff said to them.
    Answers,
    /// Questions and letters that have waited too long for staff.
    LateAnswers,
}

impl Metric {
    /// Every metric there is.
    pub const ALL: [Self; 25] = [
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
        Self::OurMistake,
        Self::Payments,
        Self::CreditsBought,
        Self::CreditsReversed,
        Self::GrantDelayMs,
        Self::UnansweredCheckouts,
        Self::UnclaimedPayments,
        Self::MissingWebhookEvents,
        Self::PaymentMismatches,
        Self::Erasures,
        Self::Exports,
        Self::FailedExports,
        Self::Questions,
        Self::Answers,
        Self::LateAnswers,
    ];

    /// The name in CloudWatch.
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
            Self::OurMistake => "OurMistake",
            Self::Payments => "Payments",
            Self::CreditsBought => "CreditsBought",
            Self::CreditsReversed => "CreditsReversed",
            Self::GrantDelayMs => "GrantDelayMs",
            Self::UnansweredCheckouts => "UnansweredCheckouts",
            Self::UnclaimedPayments => "UnclaimedPayments",
            Self::MissingWebhookEvents => "MissingWebhookEvents",
            Self::PaymentMismatches => "PaymentMismatches",
            Self::Erasures => "Erasures",
            Self::Exports => "Exports",
            Self::FailedExports => "FailedExports",
            Self::Questions => "Questions",
            Self::Answers => "Answers",
            Self::LateAnswers => "LateAnswers",
        }
    }

    /// The unit in CloudWatch.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::QueueAgeMs | Self::ProviderLatencyMs | Self::GrantDelayMs => "Milliseconds",
            _ => "Count",
        }
    }

    /// The names of its dimensions, in the order in which [`metric`] takes their values.
    #[must_use]
    pub const fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::QueueAgeMs => &["kind"],
            Self::ProviderLatencyMs | Self::OurMistake | Self::UnansweredCheckouts | Self::PaymentMismatches => {
                &["provider"]
            }
            Self::ProviderOutcome | Self::Payments => &["provider", "outcome"],
            Self::SweepActions => &["action"],
            _ => &[],
        }
    }
}

/// Writes one measurement. `dimensions` are the values of [`Metric::dimensions`], each one of a few words: every
/// combination is a metric that is paid for, so never an id. A line that cannot be written is lost, and no more.
pub fn metric(metric: Metric, value: i64, dimensions: &[&str]) {
    let mut line = emf(metric, value, dimensions, clock::now().as_millisecond()).to_string();
    line.push('\n');
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// The line as the [embedded metric format] has it.
///
/// [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
fn emf(metric: Metric, value: i64, dimensions: &[&str], timestamp_ms: i64) -> Value {
    debug_assert_eq!(metric.dimensions().len(), dimensions.len(), "{} has other dimensions", metric.name());
    let mut line: Map<String, Value> =
        metric.dimensions().iter().zip(dimensions).map(|(&name, &value)| (name.to_owned(), value.into())).collect();
    line.insert(metric.name().to_owned(), value.into());
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": timestamp_ms,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
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

    /// The rules of the specification that a consumer would drop a line for.
    fn check(metric: Metric) {
        let values = vec!["sketch"; metric.dimensions().len()];
        let line = emf(metric, 7, &values, 1_790_000_000_000);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert!(line["_aws"]["Timestamp"].is_u64());
        assert!((1..=1024).contains(&directive["Namespace"].as_str().unwrap().len()));
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "dimension {dimension} has no value");
        }
        let definition = &directive["Metrics"][0];
        assert_eq!(line[definition["Name"].as_str().unwrap()], 7);
        assert!(["Milliseconds", "Count"].contains(&definition["Unit"].as_str().unwrap()));
    }

    #[test]
    fn every_metric_is_a_valid_embedded_metric() {
        Metric::ALL.into_iter().for_each(check);
    }

    #[test]
    fn no_two_metrics_share_a_name() {
        let names: std::collections::HashSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
