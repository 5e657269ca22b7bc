//! Asks AWS Certificate Manager how long the certificate of the web client is valid. AWS measures that too, but in `us-east-1`, where
//! the certificate of a distribution must be, and an alarm sees the metrics of its own region only.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use runtime::{
    Error,
    clients::Clients,
    config::Environment,
    signed::SignedCall,
    telemetry::{Metric, metric},
};
use serde::Deserialize;
use serde_json::json;

/// The errors that do not pass by themselves: an alarm that nothing measures would never be raised.
const LASTING: [&str; 3] = ["ResourceNotFoundException", "AccessDeniedException", "InvalidArnException"];

/// The certificate of `SiteDomain`.
pub(crate) struct SiteCertificate {
    clients: Arc<Clients>,
    arn: String,
}

/// What [DescribeCertificate](https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html) answers.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "Certificate")]
    certificate: Validity,
}

#[derive(Deserialize)]
struct Validity {
    /// When it ends, in seconds since 1970. One that was not issued yet has no end.
    #[serde(rename = "NotAfter")]
    not_after: Option<f64>,
}

impl SiteCertificate {
    /// Returns the certificate that the environment names, if it names one.
    pub(crate) fn open(environment: &Environment, clients: &Arc<Clients>) -> Option<Self> {
        let arn = environment.optional("SITE_CERTIFICATE_ARN")?.to_owned();
        Some(Self { clients: Arc::clone(clients), arn })
    }

    /// Measures the days that are left. If AWS does not tell, the next event asks again.
    pub(crate) async fn measure(&self, now: Timestamp) {
        match self.days_left(now).await {
            Ok(days) => metric(Metric::SiteCertificateDays, days, &[]),
            Err(error) => tracing::error!(error = %error, "AWS does not tell how long the certificate is valid"),
        }
    }

    async fn days_left(&self, now: Timestamp) -> Result<i64, Error> {
        let call = SignedCall {
            host: "acm",
            service: "acm",
            region: self.arn.split(':').nth(3).map(str::to_owned),
            path: "/".to_owned(),
            content_type: "application/x-amz-json-1.1",
            target: Some("CertificateManager.DescribeCertificate"),
            body: json!({"CertificateArn": self.arn}).to_string().into_bytes(),
        };
        let response = self.clients.call(call, now).await?;
        if !response.is_success {
            let error = response.error.unwrap_or_else(|| "a failure without a name".to_owned());
            if LASTING.contains(&error.as_str()) {
                tracing::error!(%error, "AWS refuses to tell how long the certificate is valid: no day is counted on");
                return Ok(0);
            }
            return Err(error.into());
        }
        let described: Described = serde_json::from_slice(&response.body)?;
        let Some(ends) = described.certificate.not_after else { return Ok(0) };
        let left = SignedDuration::try_from_secs_f64(ends)? - SignedDuration::from_secs(now.as_second());
        Ok((left.as_hours() / 24).max(0))
    }
}
