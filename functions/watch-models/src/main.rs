//! The Lambda `watch-models`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    watch_models::run().await
}
