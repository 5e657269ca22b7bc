//! The Lambda `staff-access`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    runtime::http::run(staff_access::build).await
}
