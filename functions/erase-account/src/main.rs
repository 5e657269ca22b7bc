//! The Lambda `erase-account`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    erase_account::run().await
}
