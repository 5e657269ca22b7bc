//! The Lambda `paypal-verify`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    paypal_verify::run().await
}
