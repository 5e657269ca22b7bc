//! The Lambda `watch-expiry`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    watch_expiry::run().await
}
