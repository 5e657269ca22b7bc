//! The Lambda `finish-generation`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    finish_generation::run().await
}
