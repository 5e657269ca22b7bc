//! The Lambda `catalogue`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(catalogue::build).await
}
