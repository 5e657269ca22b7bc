//! The Lambda `staff-review`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(staff_review::build).await
}
