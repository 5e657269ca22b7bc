//! Calls of AWS services that have no client here: JSON requests, signed with
//! [Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
//!
//! A client of the SDK for each would be a crate with all operations of its service, which takes as long to build as everything else
//! that one call needs.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::TransientErrorClassifier;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use http::header::{CONTENT_TYPE, HOST};
use jiff::Timestamp;

use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The timeout of an attempt, which includes sending an image and looking at it.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// A second one if there was no response: a pooled connection may have been closed while the function was frozen.
const ATTEMPTS: u32 = 2;
const ERROR_TYPE: &str = "x-amzn-errortype";

/// A `POST` of JSON to a service.
#[derive(Clone, Debug)]
pub struct SignedCall {
    /// The first label of the host, such as `bedrock-runtime`.
    pub host: &'static str,
    /// The service in the signature, such as `bedrock`.
    pub service: &'static str,
    /// The region, if it is not that of the function.
    pub region: Option<String>,
    /// The path, which needs no escaping.
    pub path: String,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The operation, for services that have it in a header.
    pub target: Option<&'static str>,
    /// The JSON.
    pub body: Vec<u8>,
}

/// The response to a [`SignedCall`], of any status.
pub struct SignedResponse {
    /// Whether it is the result of the operation.
    pub is_success: bool,
    /// The name of the error, such as `AccessDeniedException`, if there is one.
    pub error: Option<String>,
    /// The JSON.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for SignedResponse {
    /// Shows no content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedResponse").field("error", &self.error).finish_non_exhaustive()
    }
}

/// No response to a [`SignedCall`]. The message holds nothing of the request.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CallFailed(&'static str);

/// Sends a call and returns the response.
pub(crate) async fn send(sdk: &SdkConfig, call: SignedCall, now: Timestamp) -> Result<SignedResponse, CallFailed> {
    let region = call.region.clone().or_else(|| sdk.region().map(ToString::to_string)).unwrap_or_default();
    let endpoint = endpoint(sdk, call.host, &region);
    let request =
        signed(sdk, call, (&endpoint, &region), now).await.map_err(|_| CallFailed("the request cannot be signed"))?;
    let http = sdk.http_client().ok_or(CallFailed("there is no HTTP client"))?;
    let sleep = sdk.sleep_impl().ok_or(CallFailed("there is no clock"))?;
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let operation = Operation::builder()
        .service_name("signed")
        .operation_name("call")
        .http_client(http)
        .endpoint_url(&endpoint)
        .no_auth()
        .sleep_impl(sleep)
        .timeout_config(timeouts)
        .standard_retry(&RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .retry_classifier(TransientErrorClassifier::<CallFailed>::new())
        .serializer(|request: HttpRequest| Ok(request))
        .deserializer(|response: &HttpResponse| Ok::<_, OrchestratorError<CallFailed>>(read(response)))
        .build();
    operation.invoke(request).await.map_err(|error| {
        CallFailed(match error {
            SdkError::TimeoutError(_) => "no response in time",
            SdkError::DispatchFailure(_) => "no connection",
            _ => "no response that can be read",
        })
    })
}

/// Returns the origin of a service in a region, or that of the override.
fn endpoint(sdk: &SdkConfig, host: &str, region: &str) -> String {
    if let Some(url) = sdk.endpoint_url() {
        return url.trim_end_matches('/').to_owned();
    }
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{host}.{region}.{domain}")
}

async fn signed(
    sdk: &SdkConfig,
    call: SignedCall,
    (endpoint, region): (&str, &str),
    now: Timestamp,
) -> Result<HttpRequest, Error> {
    let SignedCall { service, path, content_type, target, body, .. } = call;
    let uri: http::Uri = format!("{endpoint}{path}").parse()?;
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    let mut request = http::Request::post(uri).header(CONTENT_TYPE, content_type).header(HOST, host);
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    let mut request = request.body(SdkBody::empty())?;
    let identity = credentials(sdk).await?.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::from(now))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let uri = request.uri().to_string();
    let signable = SignableRequest::new("POST", &uri, headers, SignableBody::Bytes(&body))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    *request.body_mut() = SdkBody::from(body);
    Ok(request.try_into()?)
}

async fn credentials(sdk: &SdkConfig) -> Result<Credentials, Error> {
    use aws_credential_types::provider::ProvideCredentials;
    let provider = sdk.credentials_provider().ok_or("there are no credentials")?;
    Ok(provider.provide_credentials().await?)
}

fn read(response: &HttpResponse) -> SignedResponse {
    let body = response.body().bytes().unwrap_or_default().to_vec();
    let is_success = response.status().is_success();
    // Services of JSON 1.1 name it in the body, those of REST in a header, either with a namespace or an address beside the name.
    let named = response.headers().get(ERROR_TYPE).map(str::to_owned).or_else(|| {
        let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
        Some(body.get("__type")?.as_str()?.to_owned())
    });
    let name = |named: &str| named.split(':').next().and_then(|name| name.rsplit('#').next()).map(str::to_owned);
    let error = if is_success { None } else { named.as_deref().and_then(name) };
    SignedResponse { is_success, error, body }
}

#[cfg(test)]
mod tests {
    use aws_types::region::Region;

    use super::*;

    fn sdk(region: &str) -> SdkConfig {
        let credentials = Credentials::new("key", "secret", Some("token".to_owned()), None, "test");
        SdkConfig::builder()
            .region(Region::new(region.to_owned()))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .build()
    }

    fn call() -> SignedCall {
        SignedCall {
            host: "rekognition",
            service: "rekognition",
            region: None,
            path: "/".to_owned(),
            content_type: "application/x-amz-json-1.1",
            target: Some("RekognitionService.DetectModerationLabels"),
            body: b"{}".to_vec(),
        }
    }

    #[test]
    fn host_is_that_of_the_region() {
        let sdk = sdk("eu-west-1");
        assert_eq!(endpoint(&sdk, "rekognition", "eu-west-1"), "https://rekognition.eu-west-1.amazonaws.com");
        assert_eq!(endpoint(&sdk, "rekognition", "cn-north-1"), "https://rekognition.cn-north-1.amazonaws.com.cn");
        let local = sdk.into_builder().endpoint_url("http://127.0.0.1:4566/").build();
        assert_eq!(endpoint(&local, "rekognition", "eu-west-1"), "http://127.0.0.1:4566");
    }

    /// The signature that botocore 1.43.106 gives the same request at the same time.
    #[tokio::test]
    async fn signature_is_that_of_botocore() {
        let sdk = sdk("eu-west-1");
        let endpoint = endpoint(&sdk, "rekognition", "eu-west-1");
        let at = "2026-11-30T12:00:00Z".parse().unwrap();
        let request = signed(&sdk, call(), (&endpoint, "eu-west-1"), at).await.unwrap();
        assert_eq!(request.uri(), "https://rekognition.eu-west-1.amazonaws.com/");
        assert_eq!(request.headers().get("x-amz-date"), Some("20261130T120000Z"));
        assert_eq!(request.headers().get("x-amz-security-token"), Some("token"));
        let authorization = request.headers().get("authorization").unwrap();
        assert_eq!(authorization, BOTOCORE);
    }

    const BOTOCORE: &str = "AWS4-HMAC-SHA256 Credential=key/20261130/eu-west-1/rekognition/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
        Signature=fb4fab89e1cfb123dc76c952be8dee43f04ece57c4006633812e5781fd376a33";

    fn response(status: u16, error: Option<&str>, body: &str) -> SignedResponse {
        let mut response = http::Response::builder().status(status);
        if let Some(error) = error {
            response = response.header(ERROR_TYPE, error);
        }
        read(&response.body(SdkBody::from(body)).unwrap().try_into().unwrap())
    }

    #[test]
    fn error_is_named_whichever_way_the_service_names_it() {
        assert_eq!(response(200, None, "{}").error, None);
        let name = Some("ThrottlingException");
        assert_eq!(response(400, None, r#"{"__type": "ThrottlingException"}"#).error.as_deref(), name);
        assert_eq!(response(400, None, r#"{"__type": "com.amazon#ThrottlingException"}"#).error.as_deref(), name);
        assert_eq!(response(429, Some("ThrottlingException:http://internal/"), "{}").error.as_deref(), name);
        assert_eq!(response(502, None, "<html>").error, None);
        assert!(!response(502, None, "<html>").is_success);
    }
}
