//! The Lambda `paypal-webhook`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(paypal_webhook::build).await
}
