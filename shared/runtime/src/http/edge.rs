//! Takes the viewer's address from CloudFront: behind it every request reaches API Gateway from an address of CloudFront, and a
//! CloudFront function (in `template.yaml`) writes the viewer's address into a header.
//!
//! Everyone can send such a header to API Gateway directly, to be counted as someone else. So the distribution also sends a secret ([custom origin headers](https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html)),
//! and the header counts only with the secret.

use std::net::IpAddr;

use http::HeaderMap;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use ring::digest::{SHA256, digest};

use crate::config::Environment;

/// The header that has the secret.
const KEY: &str = "x-darkroom-edge";
/// The header that has the viewer's address.
const VIEWER: &str = "x-darkroom-viewer";

/// Recognizes requests that came through CloudFront.
#[derive(Clone, Default)]
pub(super) struct Edge {
    key_hash: Option<Vec<u8>>,
}

impl Edge {
    /// Reads the secret from `EDGE_KEY`. Without it no request is recognized.
    pub(super) fn open(environment: &Environment) -> Self {
        Self { key_hash: environment.optional("EDGE_KEY").map(hash) }
    }

    /// Replaces the source address by the viewer's. Removes both headers from every request.
    pub(super) fn apply_viewer(&self, event: &mut ApiGatewayV2httpRequest) {
        let given = take(&mut event.headers, KEY);
        let viewer = take(&mut event.headers, VIEWER);
        let (Some(key_hash), Some(given), Some(viewer)) = (&self.key_hash, given, viewer) else { return };
        // Hashes are compared, so that the duration reveals nothing about the secret.
        if hash(&given) == *key_hash && viewer.parse::<IpAddr>().is_ok() {
            event.request_context.http.source_ip = Some(viewer);
        }
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
