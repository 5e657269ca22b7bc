//! The Lambda `stripe-webhook`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(stripe_webhook::build).await
}
