//! Rate windows: using them up.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::env::test_env::{REQUESTS_PER_MINUTE, TestEnv};

const MINUTE_S: i64 = 60;

/// Counts [`REQUESTS_PER_MINUTE`] uses of a window of a minute, `times` as often, by a subject: in this minute and the next.
pub async fn use_up(env: &TestEnv, window: &str, subject: &[u8], times: u64) -> Result<()> {
    let clients = env.clients()?;
    let secrets = clients.secrets().list_secrets().send().await?;
    let mut names = secrets.secret_list().iter().filter_map(|secret| secret.name());
    let app_key = names.find(|name| name.contains("AppKey")).context("no application key")?;
    let hash = clients.sealer(app_key).await?.keyed_hash(&format!("window {window}"), subject);
    let minute = runtime::clock::now().as_second() / MINUTE_S;
    let number = |number: i64| AttributeValue::N(number.to_string());
    for minute in [minute, minute + 1] {
        let add = clients.dynamodb().update_item().table_name(env.output("TableName")?);
        let add = add.key("pk", AttributeValue::S(format!("WINDOW#{window}#{hash}#{minute}")));
        let add = add.key("sk", AttributeValue::S("WINDOW".to_owned()));
        let add = add.update_expression("ADD hits :hits SET #ttl = :ttl").expression_attribute_names("#ttl", "ttl");
        let hits = i64::try_from(times * REQUESTS_PER_MINUTE)?;
        let add = add.expression_attribute_values(":hits", number(hits));
        add.expression_attribute_values(":ttl", number((minute + 2) * MINUTE_S)).send().await?;
    }
    Ok(())
}
