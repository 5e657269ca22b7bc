//! The Lambda `user-pool-trigger`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    user_pool_trigger::run().await
}
