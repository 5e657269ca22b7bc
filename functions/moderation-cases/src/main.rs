//! The Lambda `moderation-cases`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(moderation_cases::build).await
}
