//! The Lambda `generate-image`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::Error> {
    generate_image::run().await
}
