//! The OpenAPI 3.1 document ([specification](https://spec.openapis.org/oas/v3.1.0)).

use runtime::http::Problem;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::{
    access,
    operations::{OPERATIONS, Operation, Parameter},
    payments, privacy, requests, support, views,
};

#[derive(OpenApi)]
#[openapi(components(schemas(
    access::AuditPage,
    access::AccessRequest,
    access::DisclosureRequest,
    access::DisclosureView,
    access::HoldRequest,
    access::HoldsView,
    access::HoldView,
    access::OpenedAccessView,
    access::PlacedHoldView,
    access::StaffUploadView,
    access::UploadPage,
    payments::CheckoutRequest,
    payments::FrozenAccountView,
    payments::HeldPaymentView,
    payments::IpnMessage,
    payments::Packages,
    payments::PaymentDecision,
    payments::PaymentPage,
    payments::PaymentView,
    payments::ReviewPage,
    payments::SpendingDecision,
    payments::StripeEvent,
    payments::UnclaimedView,
    privacy::DeletionRequest,
    privacy::DeletionView,
    privacy::ExportView,
    privacy::Exports,
    privacy::Inventory,
    privacy::ReceiptView,
    requests::AccountCorrection,
    requests::Address,
    requests::Confirmation,
    requests::Credentials,
    requests::EmailConfirmation,
    requests::GenerationRequest,
    requests::PasswordReset,
    requests::ShareRequest,
    requests::UploadRequest,
    requests::VisibilityRequest,
    support::GuestTicketReply,
    support::GuestTicketConfirmation,
    support::GuestTicketReadRequest,
    support::GuestTicketRequest,
    support::GuestTicketView,
    support::TicketMessageRequest,
    support::TicketPage,
    support::TicketRequest,
    support::TicketView,
    views::AccountView,
    views::ActivityPage,
    views::CorrectionPage,
    views::EntryPointView,
    views::GenerationPage,
    views::GenerationView,
    views::Models,
    Problem,
    views::PublicPage,
    views::QuoteView,
    views::SharedView,
    views::Shares,
    views::ShareView,
    views::SignedIn,
    views::Statement,
    views::UploadView,
)))]
struct Schemas;

/// The document, as it is served.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(operation.method.to_owned(), describe(operation));
        }
    }
    let schemas = serde_json::to_value(Schemas::openapi().components).unwrap_or_default();
    let mut components = schemas;
    if let Value::Object(components) = &mut components {
        components.insert(
            "securitySchemes".to_owned(),
            json!({"access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Darkroom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Pictures and films from prompts. Errors are problem details (RFC 9457).",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": components,
    })
}

fn describe(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "tags": [operation.function],
        "parameters": parameters(operation),
        "responses": responses(operation),
        "security": if operation.open { json!([]) } else { json!([{"access_token": []}]) },
    });
    if let (Some(body), Value::Object(described)) = (operation.body, &mut described) {
        let content = json!({ operation.content_type: {"schema": reference(body)} });
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
    let (status, schema) = operation.answer;
    let mut answer = json!({"description": "Done."});
    if let (Some(schema), Value::Object(answer)) = (schema, &mut answer) {
        answer.insert("content".to_owned(), json!({"application/json": {"schema": reference(schema)}}));
    }
    responses.insert(status.to_string(), answer);
    let problem = json!({"application/problem+json": {"schema": reference("Problem")}});
    for status in operation.problems {
        responses.insert(status.to_string(), json!({"description": title(*status), "content": problem}));
    }
    if !operation.open {
        let door = json!({
            "application/json": {"schema": reference("EntryPointView")},
            "application/problem+json": {"schema": reference("Problem")},
        });
        responses.insert("401".to_owned(), json!({"description": title(401), "content": door}));
    }
    responses.insert("500".to_owned(), json!({"description": title(500), "content": problem}));
    Value::Object(responses)
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Something in the request breaks a rule; the fields are named.",
        401 => "No valid access token, or the session is not there.",
        402 => "Not enough credits, or it costs more than was allowed.",
        403 => "The plan or the account's status does not allow it.",
        404 => "There is no such thing, or it is somebody else's.",
        409 => "It is in a state in which this cannot be done.",
        412 => "It has changed since it was fetched.",
        413 => "The body is too large.",
        415 => "The body is not application/json.",
        422 => "The Idempotency-Key was used with another request.",
        502 => "The payment provider does not answer, or says something else than it should: try again.",
        429 => "Too often: Retry-After says when to come back.",
        _ => "Our mistake.",
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let schema = if name == "token" {
                json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$"})
            } else {
                json!({"type": "string", "format": "uuid"})
            };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    for parameter in operation.parameters {
        parameters.extend(parameter_fields(*parameter));
    }
    parameters
}

fn parameter_fields(parameter: Parameter) -> Vec<Value> {
    let header = |name: &str, required: bool, schema: Value, description: &str| json!({"name": name, "in": "header", "required": required, "schema": schema, "description": description});
    let query = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description});
    match parameter {
        Parameter::IdempotencyKey => vec![header(
            "Idempotency-Key",
            false,
            json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"}),
            "The same key and request within 24 hours give the same answer, marked with Idempotent-Replayed.",
        )],
        Parameter::IfMatch => vec![header(
            "If-Match",
            false,
            json!({"type": "string", "pattern": "^\"[0-9]{1,19}\"$"}),
            "The ETag that was fetched: if it has changed since, nothing is done.",
        )],
        Parameter::CsrfToken => vec![header(
            "X-CSRF-Token",
            true,
            json!({"type": "string", "pattern": "^[!-~]+$"}),
            "What sign-in or the last refresh gave.",
        )],
        Parameter::StripeSignature => vec![header(
            "Stripe-Signature",
            true,
            json!({"type": "string", "pattern": "^[ -~]+$"}),
            "The signature over the body, as Stripe makes it.",
        )],
        Parameter::Page => vec![
            query("limit", json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 24}), "Most on a page."),
            query("cursor", json!({"type": "string"}), "The `next` of the page before; not for other filters."),
        ],
        Parameter::Filter => vec![
            query("status", reference("GenerationStatus"), "Only with this status."),
            query("kind", reference("MediaKind"), "Only of this kind."),
            query("visibility", reference("Visibility"), "Only with this visibility."),
        ],
        Parameter::Period => vec![
            query(
                "from",
                json!({"type": "string", "format": "date-time"}),
                "The start, included; the account's if absent.",
            ),
            query("to", json!({"type": "string", "format": "date-time"}), "The end, not included; now if absent."),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_resolves() {
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
    fn no_two_operations_share_an_id() {
        let mut ids: Vec<_> = OPERATIONS.iter().map(operation_id).collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
