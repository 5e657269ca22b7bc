//! The Lambda `upload-presign`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(upload_presign::build).await
}
