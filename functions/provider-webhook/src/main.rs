//! The Lambda `provider-webhook`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(provider_webhook::build).await
}
