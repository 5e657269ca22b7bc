//! The Lambda `export-archive`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    export_archive::run().await
}
