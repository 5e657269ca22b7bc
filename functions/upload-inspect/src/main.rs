//! The Lambda `upload-inspect`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    upload_inspect::run().await
}
