//! The Lambda `sweep`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    sweep::run().await
}
