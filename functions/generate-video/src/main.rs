//! The Lambda `generate-video`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    generate_video::run().await
}
