//! Renders the OpenAPI 3.1 document ([specification](https://spec.openapis.org/oas/v3.1.0)).

use std::collections::BTreeMap;

use domain::{
    catalogue::models::MediaKind,
    generations::{generation::GenerationStatus, output::Visibility, upload::RejectionCode},
};
use runtime::http::Problem;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    operation::{Operation, Parameter, SchemaType},
    operations::operations,
};

/// Shows the response of API Gateway to a request without a valid access token.
#[derive(Serialize, ToSchema)]
struct EntryPointView {
    /// `Unauthorized` or `Forbidden`.
    message: String,
}

/// What the API does, and what all its clients have to know.
const DESCRIPTION: &str = "Generates images and videos from prompts. Errors are problem details (RFC 9457). Before it \
    repeats a request, a client waits as long as `poll_after_s` or `Retry-After` says, and without them longer each time.";

/// Renders the document, as it is served.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(operation.method.to_owned(), describe(operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Darkroom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    })
}

/// Collects the schemas that operations, their parameters and their problems refer to.
fn schemas() -> BTreeMap<String, RefOr<Schema>> {
    let bodies = operations().filter_map(|operation| Some(operation.body?.schema));
    let responses = operations().filter_map(|operation| operation.response.1);
    let shared = [
        SchemaType::of::<EntryPointView>(),
        SchemaType::of::<GenerationStatus>(),
        SchemaType::of::<MediaKind>(),
        SchemaType::of::<Problem>(),
        SchemaType::of::<RejectionCode>(),
        SchemaType::of::<Visibility>(),
    ];
    let mut schemas = BTreeMap::new();
    bodies.chain(responses).chain(shared).for_each(|schema| schema.collect(&mut schemas));
    schemas
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation_id(operation),
        "summary": operation.summary(),
        "tags": [operation.function],
        "parameters": parameters(operation),
        "responses": responses(operation),
        "security": if operation.public { json!([]) } else { json!([{"access_token": []}]) },
    });
    if let (false, Value::Object(described)) = (operation.roles.is_empty(), &mut described) {
        described.insert("x-staff-roles".to_owned(), json!(operation.roles));
    }
    if let (Some(body), Value::Object(described)) = (operation.body, &mut described) {
        let content = json!({ body.content_type: {"schema": reference(&body.schema.name())} });
        described.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    described
}

fn operation_id(operation: &Operation) -> String {
    let path = operation.path.trim_start_matches("/v1/").replace(['/', '-', '.'], "_").replace(['{', '}'], "");
    format!("{}_{path}", operation.method)
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    let (status, schema) = operation.response;
    let mut success = json!({"description": "Success."});
    if let (Some(schema), Value::Object(success)) = (schema, &mut success) {
        success.insert("content".to_owned(), json!({"application/json": {"schema": reference(&schema.name())}}));
    }
    responses.insert(status.to_string(), success);
    let problem = json!({"application/problem+json": {"schema": reference("Problem")}});
    for status in operation.problems {
        responses.insert(status.to_string(), json!({"description": title(*status), "content": problem}));
    }
    if !operation.public {
        let content = json!({
            "application/json": {"schema": reference("EntryPointView")},
            "application/problem+json": {"schema": reference("Problem")},
        });
        responses.insert("401".to_owned(), json!({"description": title(401), "content": content}));
    }
    for status in [500, 503] {
        responses.insert(status.to_string(), json!({"description": title(status), "content": problem}));
    }
    Value::Object(responses)
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "The request is not valid. `errors` names the fields.",
        401 => "The access token is missing or not valid, or there is no session.",
        402 => "The account has not enough credits, or the price is higher than `max_credits`.",
        403 => "The plan, the status of the account or the age of the sign-in does not allow it.",
        404 => "Not found. Data of another account is not found either.",
        409 => "The current state does not allow it.",
        412 => "It has changed since it was read.",
        413 => "The body is too large.",
        415 => "The body is not application/json.",
        422 => "The Idempotency-Key was used with another request.",
        429 => "Too many requests. `Retry-After` says when to try again.",
        502 => "The payment provider did not respond as expected. Try again.",
        503 => {
            "The service is busy, cannot send mail, or the model has reached its limit of the day. `Retry-After` says when."
        }
        _ => "Something went wrong on our side.",
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let schema = if name == "token" {
                json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$"})
            } else if name == "job" {
                json!({"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[A-Za-z0-9_-]+$"})
            } else if name == "output" {
                json!({"type": "integer", "format": "int32", "minimum": 1})
            } else if name == "role" {
                json!({"$ref": "#/components/schemas/Role"})
            } else {
                json!({"type": "string", "format": "uuid"})
            };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    for parameter in operation.parameters {
        parameters.extend(describe_parameter(*parameter));
    }
    parameters
}

/// An `Idempotency-Key`: visible ASCII without quotes, commas and backslashes, and around it the quotes of the draft, or none.
const IDEMPOTENCY_KEY: &str = r#"^("[!#-+\--\[\]-~]{1,64}"|[!#-+\--\[\]-~]{1,64})$"#;

fn describe_parameter(parameter: Parameter) -> Vec<Value> {
    let header = |name: &str, required: bool, schema: Value, description: &str| json!({"name": name, "in": "header", "required": required, "schema": schema, "description": description});
    let query = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description});
    let text = |longest: u32| json!({"type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": longest});
    match parameter {
        Parameter::IdempotencyKey => vec![header(
            "Idempotency-Key",
            false,
            json!({"type": "string", "minLength": 1, "maxLength": 66, "pattern": IDEMPOTENCY_KEY}),
            "A repeat with the same key and request within 24 hours gets the same response, with the header Idempotent-Replayed.",
        )],
        Parameter::IfMatch => vec![header(
            "If-Match",
            false,
            json!({"type": "string", "pattern": "^\"[0-9]{1,19}\"$"}),
            "The ETag that was read. If it has changed since, nothing is changed.",
        )],
        Parameter::CsrfToken => vec![header(
            "X-CSRF-Token",
            true,
            json!({"type": "string", "pattern": "^[!-~]+$"}),
            "The CSRF token of the sign-in or of the last refresh.",
        )],
        Parameter::StripeSignature => vec![header(
            "Stripe-Signature",
            true,
            json!({"type": "string", "pattern": "^[ -~]+$"}),
            "Stripe's signature of the body.",
        )],
        Parameter::FalSignature => vec![
            header("X-Fal-Webhook-Request-Id", true, text(100), "fal's id of the request."),
            header("X-Fal-Webhook-User-Id", true, text(100), "fal's id of the operator."),
            header("X-Fal-Webhook-Timestamp", true, text(20), "The time of the signature, in seconds since 1970."),
            header("X-Fal-Webhook-Signature", true, text(200), "fal's signature of the body."),
        ],
        Parameter::ReplicateSignature => vec![
            header("Webhook-Id", true, text(100), "Replicate's id of the report."),
            header("Webhook-Timestamp", true, text(20), "The time of the signature, in seconds since 1970."),
            header("Webhook-Signature", true, text(1000), "Replicate's signatures of the body."),
        ],
        Parameter::PaypalSignature => {
            vec![
                header("PayPal-Auth-Algo", true, text(100), "The algorithm of PayPal's signature."),
                header("PayPal-Cert-Url", true, text(500), "The address of PayPal's certificate."),
                header("PayPal-Transmission-Id", true, text(50), "PayPal's id of the transmission."),
                header("PayPal-Transmission-Sig", true, text(500), "PayPal's signature of the body."),
                header("PayPal-Transmission-Time", true, text(100), "The time of the transmission."),
            ]
        }
        Parameter::Page => vec![
            query(
                "limit",
                json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 24}),
                "The largest number of items on the page.",
            ),
            query("cursor", json!({"type": "string"}), "The `next` of the page before, with the same filters."),
        ],
        Parameter::Filter => vec![
            query("status", reference("GenerationStatus"), "Only with this status."),
            query("kind", reference("MediaKind"), "Only of this kind."),
            query("visibility", reference("Visibility"), "Only with an image or a video of this visibility."),
            query(
                "favorite",
                json!({"type": "boolean"}),
                "Only with an image or a video that is a favorite, or with one that is none. With a visibility, one must match both.",
            ),
        ],
        Parameter::Period => vec![
            query(
                "from",
                json!({"type": "string", "format": "date-time"}),
                "The start, included; the beginning of the account if absent.",
            ),
            query("to", json!({"type": "string", "format": "date-time"}), "The end, excluded; now if absent."),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The build of the web client generates its types from this file, so that a change of the API fails the build.
    #[test]
    fn web_client_has_the_current_openapi_document() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions/site/web/openapi.json");
        let built_for: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut served = document();
        served.sort_all_objects();
        if built_for != served {
            std::fs::write(path, format!("{served:#}\n")).unwrap();
            panic!("the API has changed: {path} is up to date now, build the client again and see what it says");
        }
    }

    #[test]
    fn every_reference_resolves() {
        let document = document();
        let text = document.to_string();
        let names: Vec<&str> =
            text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(!names.is_empty());
        for name in names {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not described");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let mut ids: Vec<_> = operations().map(operation_id).collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn examples_are_json() {
        for body in operations().filter_map(|operation| operation.body) {
            serde_json::from_str::<Value>(body.example).unwrap();
        }
    }

    #[test]
    fn summaries_begin_with_a_verb_and_end_with_a_full_stop() {
        for operation in operations() {
            let summary = operation.summary();
            let first = summary.split(' ').next().unwrap();
            assert!(first.ends_with('s') && first.starts_with(char::is_uppercase), "{operation}: {summary}");
            assert!(summary.ends_with('.') && !summary.contains("  "), "{operation}: {summary}");
        }
    }
}
