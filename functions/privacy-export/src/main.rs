//! The Lambda `privacy-export`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(privacy_export::build).await
}
