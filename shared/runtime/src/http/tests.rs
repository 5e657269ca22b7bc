//! Sends events of API Gateway to a router that uses every extractor.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{SET_COOKIE, VARY};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::edge::Edge;
use super::server::Server;
use super::*;
use crate::config::Environment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u8>,
    cursor: Option<String>,
}

fn router() -> Router {
    let fingerprint = |idempotency: Option<Idempotency>| match idempotency {
        Some(Idempotency { key, fingerprint }) => format!("{key} {fingerprint}"),
        None => "none".to_owned(),
    };
    Router::new()
        .route("/echo", post(async |StrictJson(Body { text })| text))
        .route("/change", post(async move |request: MutatingRequest<Body>| fingerprint(request.idempotency)))
        .route("/cancel", post(async move |request: BodilessRequest| fingerprint(request.idempotency)))
        .route("/page", get(async |StrictQuery(page): StrictQuery<Page>| format!("{:?} {:?}", page.limit, page.cursor)))
        .route("/things/{id}", get(async |StrictPath(id): StrictPath<Uuid>| id.to_string()))
        .route("/me", get(async |caller: Caller| format!("{} {}", caller.account_id, caller.username)))
        .route("/v1/webhooks/stripe", post(async |request: RequestContext| request.networks().swap_remove(0)))
        .route("/network", get(async |context: RequestContext| context.networks().swap_remove(0)))
        .route("/version", get(async |condition: IfMatch| condition.check(7).map(|()| etag(7))))
        .route("/cookies", get(async || AppendHeaders([(SET_COOKIE, "a=1"), (SET_COOKIE, "b=2")]).into_response()))
        .route("/vary", get(async || AppendHeaders([(VARY, "accept"), (VARY, "origin")]).into_response()))
        .route("/bytes", get(async || vec![0xff_u8, 0xfe]))
        .route(
            "/panic",
            get(async || {
                if true {
                    panic!("secret")
                }
            }),
        )
        .route("/failure", get(async || Problem::internal("secret")))
        .route("/small", post(async |StrictJson(Body { text })| text).layer(DefaultBodyLimit::max(16)))
}

/// Sends a request as API Gateway does, with these differences, to a deployment without a distribution.
fn send(method: &str, path: &str, differences: &Value) -> Value {
    send_to(&Edge::default(), method, path, differences)
}

fn send_to(edge: &Edge, method: &str, path: &str, differences: &Value) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "not a host"},
        "requestContext": {
            "requestId": "request-1",
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "userAgent": "test"},
        },
        "isBase64Encoded": false,
    });
    merge(&mut event, differences);
    let event = serde_json::from_value(event).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    serde_json::to_value(runtime.block_on(Server::new(edge.clone(), router()).handle(event))).unwrap()
}

fn merge(into: &mut Value, differences: &Value) {
    match (into, differences) {
        (Value::Object(into), Value::Object(differences)) => {
            for (key, difference) in differences {
                merge(into.entry(key.clone()).or_insert(Value::Null), difference);
            }
        }
        (into, difference) => *into = difference.clone(),
    }
}

/// Checks that the response has this body.
fn check(method: &str, path: &str, differences: &Value, body: &str) {
    let answer = send(method, path, differences);
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!(body)), "{answer}");
}

/// Checks that the response is a problem with this status and, unless it is empty, this field.
fn check_problem(method: &str, path: &str, differences: &Value, status: StatusCode, field: &str) -> Value {
    let answer = send(method, path, differences);
    let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(answer["statusCode"], status.as_u16(), "{answer}");
    assert_eq!(answer["headers"]["content-type"], "application/problem+json");
    assert_eq!(problem["request_id"], "request-1");
    assert_eq!(problem["errors"][0]["field"].as_str().unwrap_or_default(), field, "{answer}");
    answer
}

#[test]
fn responses_have_the_request_id_and_safe_headers() {
    for path in ["/network", "/nowhere", "/panic"] {
        let answer = send("GET", path, &json!({}));
        assert_eq!(answer["headers"]["x-request-id"], "request-1");
        assert_eq!(answer["headers"]["cache-control"], "no-store");
        assert_eq!(answer["headers"]["x-content-type-options"], "nosniff");
    }
}

#[test]
fn unknown_routes_and_methods_are_problems() {
    check_problem("GET", "/nowhere", &json!({}), StatusCode::NOT_FOUND, "");
    check_problem("GET", "/a b|c", &json!({}), StatusCode::NOT_FOUND, "");
    check_problem("GET", "", &json!({}), StatusCode::NOT_FOUND, "");
    let answer = check_problem("DELETE", "/echo", &json!({}), StatusCode::METHOD_NOT_ALLOWED, "");
    assert_eq!(answer["headers"]["allow"], "POST");
}

#[test]
fn host_and_scheme_do_not_change_the_route() {
    for host in ["", "[", "a b", "example.com:99999", "user@example.com", "example.com/v1?", "\u{e9}", "example.com"] {
        for scheme in ["", "https", "a b", "file"] {
            let headers = json!({"headers": {"host": host, "x-forwarded-proto": scheme}});
            check("GET", "/network", &headers, "192.0.2.1");
        }
    }
    let domain = json!({"requestContext": {"domainName": "not a host"}});
    check("GET", "/network", &domain, "192.0.2.1");
}

#[test]
fn ambiguous_path_is_not_found() {
    for path in ["network", "@host/network", "/a/../network", "/a/%2e%2E/network", "/./network", "/a\\..\\network"] {
        check_problem("GET", path, &json!({}), StatusCode::NOT_FOUND, "");
    }
    for path in ["/net\twork", "/network#a", "/network?a", "/\u{0}", "/\u{e9}", "/{}", "//host/network", "*"] {
        check_problem("GET", path, &json!({}), StatusCode::NOT_FOUND, "");
    }
    let query = json!({"rawQueryString": format!("cursor={}", "a".repeat(10_000))});
    for length in [10_000, 70_000] {
        check_problem("GET", &format!("/{}", "{".repeat(length)), &query, StatusCode::NOT_FOUND, "");
    }
}

#[test]
fn failure_and_panic_reveal_no_cause() {
    for path in ["/panic", "/failure"] {
        let answer = check_problem("GET", path, &json!({}), StatusCode::INTERNAL_SERVER_ERROR, "");
        assert!(!answer.to_string().contains("secret"));
    }
}

#[test]
fn body_must_be_json_within_the_limit() {
    let body = json!({"body": r#"{"text":"hello"}"#});
    check("POST", "/echo", &body, "hello");
    check("POST", "/echo", &json!({"body": "eyJ0ZXh0IjoiaGVsbG8ifQ==", "isBase64Encoded": true}), "hello");
    check("POST", "/small", &body, "hello");
    let text = |length| json!({"body": json!({"text": "a".repeat(length)}).to_string()});
    assert_eq!(send("POST", "/echo", &text(65_000))["statusCode"], 200);
    check_problem("POST", "/echo", &text(65_536), StatusCode::PAYLOAD_TOO_LARGE, "");
    check_problem("POST", "/small", &text(6), StatusCode::PAYLOAD_TOO_LARGE, "");
    let typed = |kind: &str| json!({"headers": {"content-type": kind}, "body": "{}"});
    check_problem("POST", "/echo", &typed("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "");
    check_problem("POST", "/echo", &typed("application/json; charset=utf-8"), StatusCode::BAD_REQUEST, "text");
    check_problem("POST", "/echo", &json!({"body": null}), StatusCode::BAD_REQUEST, "body");
    for text in ["*", "e", "e30", "e30= "] {
        let request = json!({"body": text, "isBase64Encoded": true});
        check_problem("POST", "/echo", &request, StatusCode::BAD_REQUEST, "body");
    }
}

#[test]
fn repeat_has_the_same_fingerprint_and_other_requests_have_others() {
    let with_key =
        |key: &str, text: &str| json!({"headers": {"idempotency-key": key}, "body": json!({"text": text}).to_string()});
    let print = |path, differences: &Value| send("POST", path, differences)["body"].as_str().unwrap().to_owned();
    let first = print("/change", &with_key("k-1", "a"));
    assert!(first.starts_with("k-1 ") && first.len() == 4 + 64);
    assert_eq!(print("/change", &with_key("\"k-1\"", "a")), first);
    assert_ne!(print("/change", &with_key("k-1", "b")), first);
    assert_eq!(print("/change", &json!({"body": r#"{"text":"a"}"#})), "none");
    assert!(print("/cancel", &json!({"headers": {"idempotency-key": "k-2"}})).starts_with("k-2 "));
}

#[test]
fn invalid_idempotency_key_is_refused() {
    for key in ["", "\"\"", "a b", "a,b", "\u{e9}", &"a".repeat(65)] {
        let request = json!({"headers": {"idempotency-key": key}, "body": r#"{"text":"a"}"#});
        check_problem("POST", "/change", &request, StatusCode::BAD_REQUEST, "Idempotency-Key");
    }
}

#[test]
fn body_of_a_bodiless_request_is_refused() {
    check_problem("POST", "/cancel", &json!({"body": "{}"}), StatusCode::BAD_REQUEST, "body");
}

#[test]
fn invalid_query_parameter_is_refused_by_name() {
    let query = |query: &str| json!({"rawQueryString": query});
    assert_eq!(send("GET", "/page", &query(&format!("cursor={}", "a".repeat(10_000))))["statusCode"], 200);
    check("GET", "/page", &json!({}), "None None");
    check("GET", "/page", &query("limit=20&cursor=a%20b"), "Some(20) Some(\"a b\")");
    for (text, field) in [
        ("limit=many", "limit"),
        ("limit=256", "limit"),
        ("limit=1&limit=1", "limit"),
        ("cursor=a&cursor=a", "cursor"),
        ("size=1", "size"),
        ("=", ""),
        ("cursor=a b", "query"),
        ("cursor=\u{0}", "query"),
        (&format!("cursor={}", "a".repeat(10_240)), "query"),
    ] {
        let answer = send("GET", "/page", &query(text));
        assert_eq!(answer["statusCode"], 400, "{answer}");
        if !field.is_empty() {
            check_problem("GET", "/page", &query(text), StatusCode::BAD_REQUEST, field);
        }
    }
}

#[test]
fn malformed_id_is_not_found() {
    let id = "0190b6a0-0000-7000-8000-000000000000";
    check("GET", &format!("/things/{id}"), &json!({}), id);
    for id in ["7", "%FF", "%00", "0190b6a0-0000-7000-8000-00000000000g"] {
        check_problem("GET", &format!("/things/{id}"), &json!({}), StatusCode::NOT_FOUND, "");
    }
}

#[test]
fn only_an_access_token_identifies_a_caller() {
    let id = "0190b6a0-0000-7000-8000-000000000000";
    let claims = |claims: Value| json!({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}});
    let access = claims(json!({"sub": id, "username": "ann", "token_use": "access", "auth_time": "1789999100"}));
    check("GET", "/me", &access, &format!("{id} ann"));
    for refused in [
        json!({}),
        claims(json!({})),
        claims(json!({"sub": id, "username": "ann"})),
        claims(json!({"sub": id, "username": "ann", "token_use": "id"})),
        claims(json!({"sub": id, "username": "ann", "token_use": "refresh"})),
        claims(json!({"sub": "ann", "username": "ann", "token_use": "access", "auth_time": "1789999100"})),
        claims(json!({"sub": id, "username": "ann", "token_use": "access"})),
    ] {
        let answer = check_problem("GET", "/me", &refused, StatusCode::UNAUTHORIZED, "");
        assert_eq!(answer["headers"]["www-authenticate"], "Bearer");
    }
}

#[test]
fn ipv6_client_counts_as_its_network() {
    for (address, network) in [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ] {
        check("GET", "/network", &json!({"requestContext": {"http": {"sourceIp": address}}}), network);
    }
}

#[test]
fn behind_a_distribution_only_its_requests_and_webhooks_are_answered() {
    let edge = Edge::open(&Environment::from_iter([("EDGE_KEY", "the key of the edge")]));
    let from = |key: &str, viewer: &str| json!({"headers": {"x-darkroom-edge": key, "x-darkroom-viewer": viewer}});
    let network = |differences: &Value| send_to(&edge, "GET", "/network", differences);
    assert_eq!(network(&from("the key of the edge", "198.51.100.7"))["body"], "198.51.100.7");
    assert_eq!(network(&from("the key of the edge", "2001:db8:1:2::9"))["body"], "2001:db8:1:2::/64");
    assert_eq!(network(&from("the key of the edge", "me"))["body"], "192.0.2.1");
    for stranger in [from("the key of the edg", "198.51.100.7"), from("", "198.51.100.7"), json!({})] {
        let answer = network(&stranger);
        assert_eq!(answer["statusCode"], 403, "{answer}");
        let webhook = send_to(&edge, "POST", "/v1/webhooks/stripe", &stranger);
        assert_eq!(webhook["body"], "192.0.2.1", "{webhook}");
    }
    for evasion in ["//v1/webhooks/stripe", "/V1/webhooks/stripe", "/network/v1/webhooks/", "/v1/webhooks"] {
        assert_eq!(send_to(&edge, "POST", evasion, &json!({}))["statusCode"], 403, "{evasion}");
    }
}

#[test]
fn viewer_address_of_direct_callers_is_ignored() {
    let viewer = json!({"headers": {"x-darkroom-edge": "any", "x-darkroom-viewer": "198.51.100.7"}});
    check("GET", "/network", &viewer, "192.0.2.1");
}

#[test]
fn if_match_requires_the_current_version() {
    let condition = |tags: &str| json!({"headers": {"if-match": tags}});
    for tags in ["\"7\"", "*", "\"6\", \"7\""] {
        check("GET", "/version", &condition(tags), "\"7\"");
    }
    check("GET", "/version", &json!({}), "\"7\"");
    for tags in ["\"6\"", "W/\"7\"", "7", ""] {
        check_problem("GET", "/version", &condition(tags), StatusCode::PRECONDITION_FAILED, "");
    }
}

#[test]
fn response_separates_cookies_joins_headers_and_encodes_bytes() {
    assert_eq!(send("GET", "/vary", &json!({}))["headers"]["vary"], "accept, origin");
    assert_eq!(send("GET", "/cookies", &json!({}))["cookies"], json!(["a=1", "b=2"]));
    let answer = send("GET", "/bytes", &json!({}));
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("//4="), &json!(true)));
}
