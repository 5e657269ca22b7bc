//! The queue of PayPal's notifications (IPN).

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::registry;

use crate::env::{
    paypal::{begin_paypal, post_ipn, queued_ipn_bodies},
    test_env::TestEnv,
    trial::tests,
};

tests![pp1_ipn_body_is_queued_unchanged_before_the_response, pp1_p20_unverified_ipns_are_retained_as_declared,];

async fn pp1_ipn_body_is_queued_unchanged_before_the_response(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_paypal(&ada).await?;
    let raw =
        format!("charset=windows-1252&first_name=Jos%E9&b=1&a=+%7e%7E~&last_name=M%fcller&custom={}", checkout.id);
    let raw = raw.into_bytes();
    let bodies = queued_ipn_bodies(env, &raw, async || {
        let response = post_ipn(env, raw.clone()).await?.is(200)?;
        ensure!(response.bytes.is_empty(), "{response:?}");
        Ok(())
    })
    .await?;
    ensure!(bodies == [raw], "{bodies:?}");
    Ok(())
}

async fn pp1_p20_unverified_ipns_are_retained_as_declared(env: &'static TestEnv) -> Result<()> {
    for queue in ["NotificationsUrl", "NotificationDeadLettersUrl"] {
        let clients = env.clients()?;
        let request = clients.sqs().get_queue_attributes().queue_url(env.output(queue)?);
        let response = request.attribute_names(QueueAttributeName::MessageRetentionPeriod).send().await?;
        let period_s = response.attributes().and_then(|all| all.get(&QueueAttributeName::MessageRetentionPeriod));
        let period_s: u32 = period_s.context("no period")?.parse()?;
        ensure!(
            period_s == registry::NOTIFICATION_DAYS * 24 * 3_600,
            "{queue}: the payer's name and address stay for {period_s} seconds"
        );
    }
    Ok(())
}
