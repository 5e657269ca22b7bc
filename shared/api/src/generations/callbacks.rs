//! Describes the webhooks of AI providers.

use utoipa::ToSchema;

use crate::operation::{
    Parameter::{FalSignature, ReplicateSignature},
    operations,
};

operations! {
    /// Receives Replicate's report that a job has ended, at the address that the job was started with. The job is polled at once. A
    /// repeat changes nothing.
    REPLICATE = post("/v1/webhooks/replicate/{job}", "provider-webhook").public()
        .takes::<ReplicateReport>(r#"{"id": "ufawqhfynnddngldkgtslldrkq", "status": "succeeded"}"#)
        .parameters(&[ReplicateSignature]).problems(&[400, 404, 413]);

    /// Receives fal's report that a job has ended, at the address that the job was started with. The job is polled at once. A repeat
    /// changes nothing.
    FAL = post("/v1/webhooks/fal/{job}", "provider-webhook").public()
        .takes::<FalReport>(r#"{"request_id": "80e732af-660e-45cd-bd63-580e4f2a94cc", "status": "OK"}"#)
        .parameters(&[FalSignature]).problems(&[400, 404, 413]);
}

/// Is a prediction, as Replicate [sends it](https://replicate.com/docs/topics/webhooks/receive-webhook). Nothing of it is read but its
/// signature.
#[derive(ToSchema)]
pub struct ReplicateReport {
    /// The id.
    pub id: String,
    /// The status, such as `succeeded`.
    pub status: String,
}

/// Is a report, as fal [sends it](https://fal.ai/docs/model-apis/webhooks). Nothing of it is read but its signature.
#[derive(ToSchema)]
pub struct FalReport {
    /// The id of the request.
    pub request_id: String,
    /// `OK` or `ERROR`.
    pub status: String,
}
