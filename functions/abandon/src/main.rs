//! The Lambda `abandon`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    abandon::run().await
}
