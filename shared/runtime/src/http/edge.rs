//! Recognizes requests that came through CloudFront, and takes the viewer's address from it: behind it every request reaches
//! API Gateway from an address of CloudFront, and a CloudFront function (in `template.yaml`) writes the viewer's address into a
//! header.
//!
//! Everyone can send such a header to API Gateway directly, to be counted as someone else or to get around the distribution's
//! rules. So the distribution also sends a secret ([custom origin headers](https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html)).
//! Where there is a secret, a request without it gets 403, except a webhook: providers may call API Gateway directly.

use std::net::IpAddr;

use http::{HeaderMap, StatusCode};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use ring::digest::{SHA256, digest};

use super::problem::Problem;
use crate::config::Environment;

/// The header that has the secret.
const KEY: &str = "x-darkroom-edge";
/// The header that has the viewer's address.
const VIEWER: &str = "x-darkroom-viewer";
/// The paths that payment providers call, signed or verified on their own.
const WEBHOOKS: &str = "/v1/webhooks/";

/// Recognizes requests that came through CloudFront.
#[derive(Clone, Default)]
pub(super) struct Edge {
    key_hash: Option<Vec<u8>>,
}

impl Edge {
    /// Reads the secret from `EDGE_KEY`. Without it every request is accepted, and none is recognized.
    pub(super) fn open(environment: &Environment) -> Self {
        Self { key_hash: environment.optional("EDGE_KEY").map(hash) }
    }

    /// Replaces the source address of a request with the secret by the viewer's. Removes both headers from every request.
    ///
    /// # Errors
    /// 403: there is a secret, the request does not have it, and is no webhook.
    pub(super) fn admit(&self, event: &mut ApiGatewayV2httpRequest) -> Result<(), Problem> {
        let given = take(&mut event.headers, KEY);
        let viewer = take(&mut event.headers, VIEWER);
        let Some(key_hash) = &self.key_hash else { return Ok(()) };
        // Hashes are compared, so that the duration reveals nothing about the secret.
        if given.is_none_or(|given| hash(&given) != *key_hash) {
            let is_webhook = event.raw_path.as_deref().is_some_and(|path| path.starts_with(WEBHOOKS));
            return if is_webhook {
                Ok(())
            } else {
                Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "wrong-address",
                    "Send the request to the address of the website.",
                ))
            };
        }
        if let Some(viewer) = viewer.filter(|viewer| viewer.parse::<IpAddr>().is_ok()) {
            event.request_context.http.source_ip = Some(viewer);
        }
        Ok(())
    }
}

fn take(headers: &mut HeaderMap, name: &str) -> Option<String> {
    headers.remove(name)?.to_str().ok().map(str::to_owned)
}

fn hash(secret: &str) -> Vec<u8> {
    digest(&SHA256, secret.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distribution_writes_these_headers() {
        let template = include_str!("../../../../template.yaml");
        assert!(template.contains(&format!("HeaderName: {KEY},")));
        assert!(template.contains(&format!("event.request.headers[\"{VIEWER}\"] =")));
    }
}
