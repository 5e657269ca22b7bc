//! The Lambda `paypal-ipn`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(paypal_ipn::build).await
}
