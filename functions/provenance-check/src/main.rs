//! The Lambda `provenance-check`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(provenance_check::build).await
}
