//! Bad input: every malformed body is refused with a problem that names the field and the rule, and changes nothing.
//! Unusual text is accepted and returned unchanged.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, text},
    table::{Item, account_items},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    every_route_refuses_malformed_bodies,
    p29_every_route_refuses_oversized_bodies,
    every_route_refuses_other_content_types,
    every_route_names_a_field_of_the_wrong_type,
    p29_validation_error_names_each_invalid_field,
    body_is_refused_where_none_is_expected,
    unusual_unicode_text_is_returned_unchanged,
];

const JSON: &str = "application/json";

const MEBIBYTE: usize = 1 << 20;

const DECISION: &str = "/v1/staff/accounts/{account}/payments/{payment}/decision";

const SPENDING: &str = "/v1/staff/accounts/{account}/spending";

const ACCESSES: &str = "/v1/staff/accounts/{account}/accesses";

const HOLDS: &str = "/v1/staff/accounts/{account}/holds";

const DISCLOSURES: &str = "/v1/staff/accounts/{account}/disclosures";

/// Holds a staff account with credits and content, and a valid body for every route that takes one of ours. Messages
/// of Stripe and PayPal have tests of their own.
struct Target {
    ada: TestUser,
    bodies: HashMap<(&'static str, &'static str), Value>,
    image: String,
    before: Vec<Item>,
}

impl Target {
    async fn new(env: &'static TestEnv) -> Result<Self> {
        let ada = env.staff().await?;
        let image = text(&ada.finished_image("a vase").await?, "id")?;
        let until = runtime::clock::now() + jiff::SignedDuration::from_hours(24);
        let mut bodies = HashMap::new();
        for operation in api::operations().filter(takes_our_json) {
            let body = operation.body.context("no body")?;
            let mut body: Value = serde_json::from_str(body.example)?;
            if [ACCESSES, HOLDS, DISCLOSURES].contains(&operation.path) {
                body["undisclosed_until"] = json!(until);
                body["undisclosed_basis"] = json!("an order of the court");
            }
            bodies.insert((operation.method, operation.path), body);
        }
        let before = account_items(&ada).await?;
        Ok(Self { ada, bodies, image, before })
    }

    /// Every route that takes a body, with a good one: the example of its operation.
    fn routes(&self) -> Result<Vec<(&'static api::Operation, &Value)>> {
        let operations = api::operations().filter(takes_our_json);
        operations
            .map(|operation| {
                let body = self.bodies.get(&(operation.method, operation.path));
                Ok((operation, body.with_context(|| format!("no good body for {operation}"))?))
            })
            .collect()
    }

    async fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Result<ApiResponse> {
        let id = |segment: &'_ str| match segment {
            "{output}" => "1".to_owned(),
            "{role}" => "support".to_owned(),
            parameter if parameter.starts_with('{') => self.image.clone(),
            fixed => fixed.to_owned(),
        };
        let path = path.split('/').map(id).collect::<Vec<_>>().join("/");
        let mut request = self.ada.request(Method::from_bytes(method.to_uppercase().as_bytes())?, &path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        ApiResponse::read(request.body(body).send().await?).await
    }

    /// Checks that the body is refused with 400 for this field.
    async fn check(&self, (method, path): (&str, &str), body: impl Into<Vec<u8>>, field: &str) -> Result<()> {
        let body = body.into();
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let response = self.send(method, path, Some(JSON), body).await?;
        check_problem(&response, 400).with_context(|| format!("{method} {path} {start}"))?;
        ensure!(response.fields() == [field], "{method} {path} {start}: not {field}, but {}", response.json);
        let rule = &response.json["errors"][0]["rule"];
        ensure!(rule.as_str().is_some_and(|rule| !rule.is_empty()), "{method} {path} {start}: no rule");
        Ok(())
    }

    /// Checks that nothing was written and no credits moved since the start.
    async fn unharmed(&self) -> Result<()> {
        ensure!(account_items(&self.ada).await? == self.before, "data was written");
        ensure!(self.ada.credits().await? == (39, 0));
        Ok(())
    }
}

/// Whether an operation takes a JSON body of ours, rather than one that Stripe or PayPal sends.
fn takes_our_json(operation: &&'static api::Operation) -> bool {
    operation.body.is_some_and(|body| body.content_type == "application/json")
        && !operation.path.starts_with("/v1/webhooks/")
}

fn check_problem(response: &ApiResponse, status: u16) -> Result<()> {
    ensure!(
        response.status == status,
        "not {status}, but {}: {}",
        response.status,
        String::from_utf8_lossy(&response.bytes)
    );
    ensure!(response.header("content-type") == Some("application/problem+json"), "{:?}", response.headers);
    ensure!(response.json["status"] == status, "{}", response.json);
    ensure!(response.json["type"].as_str().is_some_and(|kind| kind.starts_with("urn:darkroom:problem:")));
    ensure!(response.json["request_id"].is_string(), "{}", response.json);
    Ok(())
}

async fn every_route_refuses_malformed_bodies(env: &'static TestEnv) -> Result<()> {
    let target = Target::new(env).await?;
    for (operation, good) in target.routes()? {
        let route = (operation.method, operation.path);
        let text = good.to_string();
        let rest = &text[1..];
        let name = good.as_object().and_then(|fields| fields.keys().next()).context("an empty body")?.clone();
        let value = &good[&name];
        let nested = |depth| format!(r#"{{"{name}":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let nested_at = |depth: usize| format!("{name}{}", "[0]".repeat(depth));
        for body in ["", " ", "null", "7", "\"text\"", "[]", "a=1", "{\"a\":1", "{'a':1}"] {
            target.check(route, body, "body").await?;
        }
        for body in [format!("[{text}]"), format!("{text} {{}}"), format!("{text}]"), format!("\u{feff}{text}")] {
            target.check(route, body, "body").await?;
        }
        // The local gateway replaces bytes that are not UTF-8 with U+FFFD, so they are refused here only outside of
        // strings.
        target.check(route, [text.as_bytes(), b"\xff"].concat(), "body").await?;
        target.check(route, format!(r#"{{"{name}":{value},{rest}"#), &name).await?;
        target.check(route, format!(r#"{{"surprise":1,{rest}"#), "surprise").await?;
        for text in [r#""\ud800""#, r#""\udc00\ud800""#, "\"a\u{0}b\"", r#""\x41""#, "1e999", "01", "NaN"] {
            target.check(route, format!(r#"{{"{name}":{text}}}"#), &name).await?;
        }
        target.check(route, nested(33), &nested_at(31)).await?;
        target.check(route, nested(30_000), &nested_at(31)).await?;
    }
    target.unharmed().await
}

async fn p29_every_route_refuses_oversized_bodies(env: &'static TestEnv) -> Result<()> {
    let target = Target::new(env).await?;
    for (operation, good) in target.routes()? {
        for body in [format!("{good}{}", " ".repeat(MEBIBYTE)), json!({"surprise": "a".repeat(MEBIBYTE)}).to_string()] {
            let response = target.send(operation.method, operation.path, Some(JSON), body.into()).await?;
            check_problem(&response, 413).with_context(|| operation.path.to_owned())?;
        }
    }
    let mut novel = target.bodies[&("post", "/v1/generations")].clone();
    novel["prompt"] = json!("a".repeat(10 * MEBIBYTE));
    let response = target.send("post", "/v1/generations", Some(JSON), novel.to_string().into()).await?;
    check_problem(&response, 413)?;
    target.unharmed().await
}

async fn every_route_refuses_other_content_types(env: &'static TestEnv) -> Result<()> {
    let target = Target::new(env).await?;
    for (operation, good) in target.routes()? {
        for content_type in [
            None,
            Some(""),
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("application/jsonp"),
            Some("application/problem+json"),
        ] {
            let response = target.send(operation.method, operation.path, content_type, good.to_string().into()).await?;
            check_problem(&response, 415).with_context(|| format!("{} as {content_type:?}", operation.path))?;
        }
    }
    target.unharmed().await
}

async fn every_route_names_a_field_of_the_wrong_type(env: &'static TestEnv) -> Result<()> {
    let target = Target::new(env).await?;
    for (operation, good) in target.routes()? {
        let route = (operation.method, operation.path);
        for (name, value) in good.as_object().context("no object")? {
            let wrong = match value {
                Value::String(_) => vec![json!(7), json!(true), json!([]), json!({"a": "b"})],
                // A number that may be negative has a negative example.
                Value::Number(number) if number.as_i64() < Some(0) => {
                    vec![json!("-7"), json!(-1.5), json!(-1.0), json!(true), json!([-7])]
                }
                Value::Number(_) => vec![json!("7"), json!(-1), json!(1.5), json!(1.0), json!(true), json!([7])],
                Value::Bool(_) => vec![json!("true"), json!(1), json!([])],
                // There may be no template: an empty list of them is right.
                Value::Array(_) if name == "templates" => vec![json!("dark"), json!(7), json!({"a": "b"})],
                _ => vec![json!("dark"), json!(7), json!([])],
            };
            for value in wrong {
                let mut body = good.clone();
                body[name] = value;
                target.check(route, body.to_string(), name).await?;
            }
        }
    }
    target.unharmed().await
}

async fn p29_validation_error_names_each_invalid_field(env: &'static TestEnv) -> Result<()> {
    let target = Target::new(env).await?;
    let generation = [
        ("model", json!(""), "model"),
        ("model", json!("sketch-image\u{0}"), "model"),
        ("prompt", json!(""), "prompt"),
        ("prompt", json!(" \n\t "), "prompt"),
        ("prompt", json!("a\u{0}b"), "prompt"),
        ("prompt", json!("a\u{1b}[31mb"), "prompt"),
        ("prompt", json!("a\rb"), "prompt"),
        ("prompt", json!("a\u{85}b"), "prompt"),
        ("prompt", json!("a".repeat(2001)), "prompt"),
        ("prompt", json!("\u{1f600}".repeat(1501)), "prompt"),
        ("negative_prompt", json!("a\u{7f}b"), "negative_prompt"),
        ("negative_prompt", json!("a".repeat(2001)), "negative_prompt"),
        ("width", json!(null), "width"),
        ("width", json!(0), "width"),
        ("width", json!(321), "width"),
        ("height", json!(4_294_967_295_u64), "width"),
        ("height", json!(4_294_967_296_u64), "height"),
        ("count", json!(0), "count"),
        ("count", json!(3), "count"),
        ("count", json!(256), "count"),
        ("count", json!(4_294_967_297_u64), "count"),
        ("seed", json!(4_294_967_296_u64), "seed"),
        ("seed", json!(u64::MAX), "seed"),
        ("duration_ms", json!(1000), "duration_ms"),
        ("max_credits", json!(1e300), "max_credits"),
        ("input_upload", json!("7"), "input_upload"),
        ("input_upload", json!("\u{202e}"), "input_upload"),
    ];
    let upload = [
        ("content_type", json!("text/html"), "content_type"),
        ("content_type", json!("image/png; charset=utf-8"), "content_type"),
        ("bytes", json!(0), "bytes"),
        ("bytes", json!((20 << 20) + 1), "bytes"),
        ("bytes", json!(u64::MAX), "bytes"),
        ("sha256", json!("A".repeat(64)), "sha256"),
        ("sha256", json!("0".repeat(63)), "sha256"),
        ("file_name", json!(""), "file_name"),
        ("file_name", json!("a\r\nb"), "file_name"),
        ("file_name", json!("a".repeat(201)), "file_name"),
    ];
    let account = [
        ("billing_email", json!(""), "billing_email"),
        ("billing_email", json!("bills@example"), "billing_email"),
        ("billing_email", json!("bills@example.com\r\nbcc: eve@example.com"), "billing_email"),
        ("display_name", json!(""), "display_name"),
        ("display_name", json!("  "), "display_name"),
        ("display_name", json!("a\nb"), "display_name"),
        ("display_name", json!("a".repeat(81)), "display_name"),
        ("preferences", json!({"theme": "pink"}), "preferences.theme"),
        ("preferences", json!({"language": ""}), "preferences.language"),
        ("preferences", json!({"language": "<b>"}), "preferences.language"),
        ("preferences", json!({"surprise": 1}), "preferences.surprise"),
    ];
    let visibility = [("visibility", json!("friends"), "visibility"), ("visibility", json!(""), "visibility")];
    let share = [
        ("expires_in_s", json!(0), "expires_in_s"),
        ("expires_in_s", json!(59), "expires_in_s"),
        ("expires_in_s", json!(31_536_001), "expires_in_s"),
        ("expires_in_s", json!(u64::MAX), "expires_in_s"),
    ];
    let checkout = [
        ("package", json!(""), "package"),
        ("package", json!("gold"), "package"),
        ("package", json!("starter\u{0}"), "package"),
        ("package", json!("a".repeat(60_000)), "package"),
        ("currency", json!("XXX"), "currency"),
        ("currency", json!("eur"), "currency"),
        ("currency", json!(""), "currency"),
        ("provider", json!("cash"), "provider"),
        ("provider", json!("Stripe"), "provider"),
        ("price", json!(1), "price"),
        ("credits", json!(1_000_000), "credits"),
        ("quantity", json!(2), "quantity"),
    ];
    let note = [
        ("note", json!(""), "note"),
        ("note", json!(" \t"), "note"),
        ("note", json!("a\nb"), "note"),
        ("note", json!("a".repeat(501)), "note"),
    ];
    let why = [
        ("reference", json!(""), "reference"),
        ("reference", json!("a".repeat(101)), "reference"),
        ("reason", json!(" "), "reason"),
        ("reason", json!("a\u{0}b"), "reason"),
        ("reason", json!("a".repeat(501)), "reason"),
        ("undisclosed_until", json!("tomorrow"), "undisclosed_until"),
        ("undisclosed_until", json!("2020-01-01T00:00:00Z"), "undisclosed_until"),
        ("undisclosed_until", json!("2999-01-01T00:00:00Z"), "undisclosed_until"),
        ("undisclosed_until", json!(null), "undisclosed_until"),
        ("undisclosed_basis", json!(""), "undisclosed_basis"),
        ("undisclosed_basis", json!(null), "undisclosed_basis"),
    ];
    let access = [("minutes", json!(0), "minutes"), ("minutes", json!(61), "minutes")];
    let hold = [("covers", json!([]), "covers"), ("covers", json!(["account", "share"]), "covers")];
    let disclosure = [
        ("kinds", json!([]), "kinds"),
        ("kinds", json!(["idempotency"]), "kinds"),
        ("from", json!("yesterday"), "from"),
        ("to", json!(7), "to"),
    ];
    let email = [("email", json!("ada"), "email"), ("email", json!("ada@example.com\n"), "email")];
    let table: [(_, &[(_, _, _)]); 16] = [
        (("post", "/v1/account/email"), &email),
        (("post", "/v1/generations"), &generation),
        (("post", "/v1/generations/quote"), &generation),
        (("post", "/v1/uploads"), &upload),
        (("patch", "/v1/account"), &account),
        (("put", "/v1/generations/{id}/outputs/{output}/visibility"), &visibility),
        (("post", "/v1/generations/{id}/outputs/{output}/shares"), &share),
        (("post", "/v1/checkout"), &checkout),
        (("post", DECISION), &note),
        (("post", SPENDING), &note),
        (("post", ACCESSES), &why),
        (("post", ACCESSES), &access),
        (("post", HOLDS), &why),
        (("post", HOLDS), &hold),
        (("post", DISCLOSURES), &why),
        (("post", DISCLOSURES), &disclosure),
    ];
    for (route, rows) in table {
        for (name, value, field) in rows {
            let mut body = target.bodies[&route].clone();
            body[*name] = value.clone();
            target.check(route, body.to_string(), field).await?;
        }
    }
    target.unharmed().await
}

async fn body_is_refused_where_none_is_expected(env: &'static TestEnv) -> Result<()> {
    let target = Target::new(env).await?;
    for operation in
        api::operations().filter(|operation| operation.body.is_none() && operation.method != "get" && !operation.public)
    {
        target.check((operation.method, operation.path), "{}", "body").await?;
        let large = " ".repeat(MEBIBYTE);
        check_problem(&target.send(operation.method, operation.path, None, large.into()).await?, 413)?;
    }
    target.unharmed().await
}

async fn unusual_unicode_text_is_returned_unchanged(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    for prompt in [
        "a \u{202e}thgil\u{202c} and \u{2067}أهلا\u{2069} \u{200f}",
        "line\nline\ttab e\u{301} \u{1f469}\u{200d}\u{1f680} \u{fffd}\u{ffff} \u{10ffff}",
        "'; drop table--\\ <script>alert(1)</script> ${x} %00 %s {{7*7}} ../.. \"",
    ] {
        let generation = ada.finished_image(prompt).await?;
        ensure!(generation["settings"]["prompt"] == prompt, "{generation}");
    }
    // Escape sequences are another encoding of the same text.
    let body = r#"{"model":"sketch-image","prompt":"\ud83d\ude00 \u0061\/\n","width":320,"height":320}"#;
    let request =
        ada.request(Method::POST, "/v1/generations").header("content-type", "application/json; charset=utf-8");
    let generation = ApiResponse::read(request.body(body).send().await?).await?.is(202)?.json;
    ensure!(generation["settings"]["prompt"] == "\u{1f600} a/\n", "{generation}");

    let name = "\u{202e}adA\u{202c} <b>";
    let account = ada.patch("/v1/account", &json!({"display_name": name})).await?.is(200)?.json;
    ensure!(account["display_name"] == name, "{account}");
    let upload = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64), "file_name": name});
    let upload = ada.post("/v1/uploads", &upload).await?.is(201)?.json;
    ensure!(upload["file_name"] == name, "{upload}");
    Ok(())
}
