//! The environment variables of the functions.

use anyhow::Result;
use serde_json::json;

use crate::{aws::Aws, payments};

/// The name of the table.
pub const TABLE: &str = "table";

/// Returns the environment variables that Lambda and the template set.
///
/// # Errors
/// The fake payment providers cannot be started.
pub fn environment(aws: &Aws) -> Result<Vec<(&'static str, String)>> {
    let fixed = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_SESSION_TOKEN", "test"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "function"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("STAGE", "dev"),
        ("TABLE", TABLE),
        ("INDEX_SHARDS", "1"),
        ("ORIGIN", "https://darkroom.example.com"),
        ("RECORDS", "records"),
        ("DELETION_GRACE_DAYS", "0"),
        ("PAYMENT_RECORD_DAYS", "3650"),
        ("BUCKET", "bucket"),
        ("USER_POOL_ID", "eu-west-1_EXAMPLE01"),
        ("CLIENT_ID", "3n4b5urk1ft4fl3mg5e62d9ado"),
        ("CLIENT_SECRET", "client-secret"),
        ("SIGN_UP_DAYS", "7"),
        ("WRITES_PER_MINUTE", "120"),
        ("OPEN_READS_PER_MINUTE", "120"),
        ("APP_KEY_SECRET", "app-key"),
        ("SIGNING_KEY", "arn:aws:kms:eu-west-1:123456789012:key/7f3c1a52-0b8e-4d6f-9a21-5c4e3d2b1a09"),
        ("SIGNING_CERTIFICATE_SECRET", "signing-certificate"),
        ("PROVIDER_KEYS_SECRET", "provider-keys"),
        ("PROVIDERS", "sketch"),
        ("PROVIDER_CREDITS_PER_DAY", "20000"),
        ("VISIBLE_LABEL", "optional"),
        ("VISIBLE_LABEL_TEXT", "AI generated"),
        ("MODERATION", "local"),
        ("MODERATION_STRIKES", "3"),
        ("MODERATION_STRIKE_DAYS", "7"),
        ("SESSION_RATE_PER_MINUTE", "30"),
        ("WEBHOOK_RATE_PER_MINUTE", "1000000"),
        ("ACCOUNTS_PER_NETWORK_PER_DAY", "20"),
        ("LEASE_SECONDS", "125"),
        ("WORKERS", "10"),
        ("EXPORT_LEASE_SECONDS", "180"),
        ("PAYMENT_KEYS_SECRET", "payment-keys"),
        ("RETURN_URL", "http://localhost:5173/credits/{checkout}"),
        ("PAYMENT_PROVIDERS", "stripe,paypal"),
        ("TAX", "none"),
        ("HIDE_REPORTED", "true"),
        ("REPORTS_PER_HOUR", "30"),
        ("REPEAT_VIOLATIONS", "3"),
    ];
    let mut environment: Vec<_> = fixed.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    environment.push(("AWS_ENDPOINT_URL", aws.endpoint().to_owned()));
    environment.extend(aws.endpoints().iter().cloned());
    environment.extend(aws.roots().map(|roots| ("AWS_CA_BUNDLE", roots.display().to_string())));
    let fake_payments = payments::fake_payments()?;
    let postback = format!("{fake_payments}/cgi-bin/webscr");
    let endpoints = json!({ "stripe": fake_payments, "paypal": fake_payments, "paypal_ipn": postback });
    environment.push(("PAYMENT_ENDPOINTS", endpoints.to_string()));
    // The bucket has the keys of fal: see `seed`.
    let endpoints = json!({ "fal": format!("{}/bucket", aws.endpoint()) });
    environment.push(("PROVIDER_ENDPOINTS", endpoints.to_string()));
    environment.push(("NOTIFICATION_QUEUE_URL", format!("{}/123456789012/notifications", aws.endpoint())));
    environment.push(("EXPORT_QUEUE_URL", format!("{}/123456789012/exports", aws.endpoint())));
    environment.push(("ERASURE_QUEUE_URL", format!("{}/123456789012/erasures", aws.endpoint())));
    environment.push(("IMAGE_QUEUE_URL", format!("{}/123456789012/images", aws.endpoint())));
    environment.push(("FINISH_QUEUE_URL", format!("{}/123456789012/finish", aws.endpoint())));
    environment.push(("VIDEO_QUEUE_URL", format!("{}/123456789012/videos", aws.endpoint())));
    Ok(environment)
}
