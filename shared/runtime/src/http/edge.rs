//! The edge before the door: behind CloudFront every request comes to API Gateway from an address of CloudFront's, and the
//! viewer's is in a header that the distribution writes (a function of its own does, in `template.yaml`).
//!
//! Anybody can send such a header to API Gateway itself, and be counted as somebody else. So the distribution sends a
//! secret along ([custom origin headers](https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html)),
//! and only who knows it is believed.

use std::net::IpAddr;

use http::HeaderMap;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use ring::digest::{SHA256, digest};

use crate::config::Environment;

/// The header with the secret.
const KEY: &str = "x-darkroom-edge";
/// The header with the viewer's address.
const VIEWER: &str = "x-darkroom-viewer";

/// What tells the edge from everybody else.
#[derive(Clone, Default)]
pub(super) struct Edge {
    key: Option<Vec<u8>>,
}

impl Edge {
    /// From `EDGE_KEY`. Nobody is the edge where there is none.
    pub(super) fn open(environment: &Environment) -> Self {
        Self { key: environment.optional("EDGE_KEY").map(hash) }
    }

    /// Puts the viewer's address in the place of the edge's. Both headers go, whoever sent them.
    pub(super) fn reveal(&self, event: &mut ApiGatewayV2httpRequest) {
        let given = take(&mut event.headers, KEY);
        let viewer = take(&mut event.headers, VIEWER);
        let (Some(key), Some(given), Some(viewer)) = (&self.key, given, viewer) else { return };
        // Hashes: how long they take to compare says nothing about the secret.
        if hash(&given) == *key && viewer.parse::<IpAddr>().is_ok() {
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
    fn the_distribution_writes_these_headers() {
        let template = include_str!("../../../../template.yaml");
        assert!(template.contains(&format!("HeaderName: {KEY},")));
        assert!(template.contains(&format!("event.request.headers[\"{VIEWER}\"] =")));
    }
}
