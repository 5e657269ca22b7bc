//! The Lambda `staff-members`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(staff_members::build).await
}
