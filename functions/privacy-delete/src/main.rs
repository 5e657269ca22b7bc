//! The Lambda `privacy-delete`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(privacy_delete::build).await
}
