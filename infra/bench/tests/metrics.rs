//! Faults that no local stack has, and the metrics that raise their alarms: its user pool sends any number of mails, its payments are
//! never late, its outputs are signed under a certificate of its own, and it has no domain.

use anyhow::{Context, Result};
use bench::build;
use bench::function::Function;
use domain::catalogue::models::MediaKind;
use fake_aws::{current, seed};
use jiff::SignedDuration;
use runtime::clock;
use runtime::telemetry::{Metric, namespace};
use serde_json::{Value, json};

/// Hands an event to its function, to which AWS gives these answers. Returns what the function measures of a metric, in the namespace
/// that the alarms of the stage watch.
async fn measured(
    event: &str,
    answers: &[(&str, Value)],
    variables: &[(&str, &str)],
    metric: Metric,
) -> Result<Vec<i64>> {
    let function = event.split('/').next().context("the name of a function comes first")?;
    // Before the seed, which has deadlines.
    let binary = build("dev")?.join(function);
    let aws = seed::aws(MediaKind::Image).await?;
    for (operation, answer) in answers {
        aws.play(operation, answer.clone()).await;
    }
    let mut process = Function::start_recorded(&binary, &aws, variables).await?;
    let input = std::fs::read(stack::workspace().join(format!("events/{event}.json")))?;
    process.invoke(current(&input, clock::now())?).await?;
    let lines = process.output()?;
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_watched = |line: &Value| {
        let found = line.pointer("/_aws/CloudWatchMetrics/0/Namespace");
        found.and_then(Value::as_str) == Some(&namespace("dev"))
    };
    Ok(lines.filter(is_watched).filter_map(|line| line.get(metric.name())?.as_i64()).collect())
}

#[tokio::test]
async fn code_that_the_mail_quota_stops_is_measured() -> Result<()> {
    let spent = json!({"__type": "LimitExceededException", "message": "Exceeded daily email limit for the operation."});
    let codes = measured("session/forgot", &[("ForgotPassword", spent)], &[], Metric::UnsentCodes).await?;
    assert_eq!(codes, [1]);
    Ok(())
}

#[tokio::test]
async fn certificate_that_cannot_be_used_has_no_days_left() -> Result<()> {
    let certificate = "-----BEGIN CERTIFICATE-----\nof something else\n-----END CERTIFICATE-----";
    let secret = ("GetSecretValue", json!({ "SecretString": certificate }));
    let days = measured("finish-generation/received", &[secret], &[], Metric::SigningCertificateDays).await?;
    assert_eq!(days.first(), Some(&0), "{days:?}");
    Ok(())
}

#[tokio::test]
async fn payment_that_is_reported_late_is_a_late_grant() -> Result<()> {
    let delays = measured("paypal-webhook/completed", &[], &[], Metric::GrantDelayMs).await?;
    assert!(matches!(delays[..], [delay] if delay > 300_000), "{delays:?}");
    Ok(())
}

#[tokio::test]
async fn certificate_of_the_web_client_that_ends_soon_or_is_gone_has_few_days_left() -> Result<()> {
    let variables = [("SITE_CERTIFICATE_ARN", "arn:aws:acm:us-east-1:123456789012:certificate/12345678")];
    let ends = (clock::now() + SignedDuration::from_hours(24 * 20 + 1)).as_second();
    let soon = json!({"Certificate": {"Status": "ISSUED", "NotAfter": ends}});
    for (answer, left) in [(soon, 20), (json!({"__type": "ResourceNotFoundException"}), 0)] {
        let answer = ("DescribeCertificate", answer);
        let days = measured("watch-expiry/tick", &[answer], &variables, Metric::SiteCertificateDays).await?;
        assert_eq!(days, [left]);
    }
    Ok(())
}
