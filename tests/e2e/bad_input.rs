//! Bad input: every body that is no request is refused with a problem that names the field and the rule, and moves
//! nothing. Text that merely looks strange is taken, and comes back as it was sent.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    authorization::{Item, kept},
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    what_is_no_request_is_refused_by_every_route,
    p29_what_is_too_large_is_refused_by_every_route,
    what_is_not_json_by_its_type_is_refused_by_every_route,
    a_field_of_the_wrong_type_is_named_by_every_route,
    p29_each_field_that_breaks_a_rule_is_named,
    a_body_that_nobody_would_read_is_refused,
    strange_text_comes_back_as_it_was_sent,
];

const JSON: &str = "application/json";
const MEBIBYTE: usize = 1 << 20;
const DECISION: &str = "/v1/staff/accounts/{account}/payments/{payment}/decision";
const SPENDING: &str = "/v1/staff/accounts/{account}/spending";
const ACCESSES: &str = "/v1/staff/accounts/{account}/accesses";
const HOLDS: &str = "/v1/staff/accounts/{account}/holds";
const DISCLOSURES: &str = "/v1/staff/accounts/{account}/disclosures";

/// Somebody with something to lose, who may ask for everything as she is of the staff, and a good body for every route that
/// takes one of ours: what Stripe and PayPal send has tests of its own.
struct Target {
    ada: Person,
    bodies: HashMap<(&'static str, &'static str), Value>,
    picture: String,
    before: Vec<Item>,
}

impl Target {
    async fn new(world: &'static TestEnv) -> Result<Self> {
        let ada = world.staff().await?;
        let picture = text(&ada.finished_picture("a vase").await?, "id")?;
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
        let before = kept(&ada).await?;
        Ok(Self { ada, bodies, picture, before })
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

    async fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Result<Answer> {
        let id = |segment| if str::starts_with(segment, '{') { self.picture.as_str() } else { segment };
        let path = path.split('/').map(id).collect::<Vec<_>>().join("/");
        let mut request = self.ada.request(Method::from_bytes(method.to_uppercase().as_bytes())?, &path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        Answer::read(request.body(body).send().await?).await
    }

    /// The body must be refused with this status and, where there is one, for this field.
    async fn check(&self, (method, path): (&str, &str), body: impl Into<Vec<u8>>, field: &str) -> Result<()> {
        let body = body.into();
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = self.send(method, path, Some(JSON), body).await?;
        check_problem(&answer, 400).with_context(|| format!("{method} {path} {start}"))?;
        ensure!(answer.fields() == [field], "{method} {path} {start}: not {field}, but {}", answer.json);
        let rule = &answer.json["errors"][0]["rule"];
        ensure!(rule.as_str().is_some_and(|rule| !rule.is_empty()), "{method} {path} {start}: no rule");
        Ok(())
    }

    /// Nothing was written and no credit has moved since the beginning.
    async fn unharmed(&self) -> Result<()> {
        ensure!(kept(&self.ada).await? == self.before, "something was written");
        ensure!(self.ada.credits().await? == (39, 0));
        Ok(())
    }
}

/// Whether an operation takes a JSON body of ours, rather than one that Stripe or PayPal sends.
fn takes_our_json(operation: &&'static api::Operation) -> bool {
    operation.body.is_some() && !operation.path.starts_with("/v1/webhooks/")
}

fn check_problem(answer: &Answer, status: u16) -> Result<()> {
    ensure!(answer.status == status, "not {status}, but {}: {}", answer.status, String::from_utf8_lossy(&answer.bytes));
    ensure!(answer.header("content-type") == Some("application/problem+json"), "{:?}", answer.headers);
    ensure!(answer.json["status"] == status, "{}", answer.json);
    ensure!(answer.json["type"].as_str().is_some_and(|kind| kind.starts_with("urn:darkroom:problem:")));
    ensure!(answer.json["request_id"].is_string(), "{}", answer.json);
    Ok(())
}

async fn what_is_no_request_is_refused_by_every_route(world: &'static TestEnv) -> Result<()> {
    let target = Target::new(world).await?;
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
        // The local gateway makes U+FFFD of what is not UTF-8, so only outside of strings is it refused here as well.
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

async fn p29_what_is_too_large_is_refused_by_every_route(world: &'static TestEnv) -> Result<()> {
    let target = Target::new(world).await?;
    for (operation, good) in target.routes()? {
        for body in [format!("{good}{}", " ".repeat(MEBIBYTE)), json!({"surprise": "a".repeat(MEBIBYTE)}).to_string()] {
            let answer = target.send(operation.method, operation.path, Some(JSON), body.into()).await?;
            check_problem(&answer, 413).with_context(|| operation.path.to_owned())?;
        }
    }
    let mut novel = target.bodies[&("post", "/v1/generations")].clone();
    novel["prompt"] = json!("a".repeat(10 * MEBIBYTE));
    let answer = target.send("post", "/v1/generations", Some(JSON), novel.to_string().into()).await?;
    check_problem(&answer, 413)?;
    target.unharmed().await
}

async fn what_is_not_json_by_its_type_is_refused_by_every_route(world: &'static TestEnv) -> Result<()> {
    let target = Target::new(world).await?;
    for (operation, good) in target.routes()? {
        for content_type in [
            None,
            Some(""),
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("application/jsonp"),
            Some("application/problem+json"),
        ] {
            let answer = target.send(operation.method, operation.path, content_type, good.to_string().into()).await?;
            check_problem(&answer, 415).with_context(|| format!("{} as {content_type:?}", operation.path))?;
        }
    }
    target.unharmed().await
}

async fn a_field_of_the_wrong_type_is_named_by_every_route(world: &'static TestEnv) -> Result<()> {
    let target = Target::new(world).await?;
    for (operation, good) in target.routes()? {
        let route = (operation.method, operation.path);
        for (name, value) in good.as_object().context("no object")? {
            let wrong = match value {
                Value::String(_) => vec![json!(7), json!(true), json!([]), json!({"a": "b"})],
                Value::Number(_) => vec![json!("7"), json!(-1), json!(1.5), json!(1.0), json!(true), json!([7])],
                Value::Bool(_) => vec![json!("true"), json!(1), json!([])],
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

async fn p29_each_field_that_breaks_a_rule_is_named(world: &'static TestEnv) -> Result<()> {
    let target = Target::new(world).await?;
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
        (("put", "/v1/generations/{id}/visibility"), &visibility),
        (("post", "/v1/generations/{id}/shares"), &share),
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

async fn a_body_that_nobody_would_read_is_refused(world: &'static TestEnv) -> Result<()> {
    let target = Target::new(world).await?;
    for operation in
        api::operations().filter(|operation| operation.body.is_none() && operation.method != "get" && !operation.public)
    {
        target.check((operation.method, operation.path), "{}", "body").await?;
        let large = " ".repeat(MEBIBYTE);
        check_problem(&target.send(operation.method, operation.path, None, large.into()).await?, 413)?;
    }
    target.unharmed().await
}

async fn strange_text_comes_back_as_it_was_sent(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for prompt in [
        "a \u{202e}thgil\u{202c} and \u{2067}أهلا\u{2069} \u{200f}",
        "line\nline\ttab e\u{301} \u{1f469}\u{200d}\u{1f680} \u{fffd}\u{ffff} \u{10ffff}",
        "'; drop table--\\ <script>alert(1)</script> ${x} %00 %s {{7*7}} ../.. \"",
    ] {
        let generation = ada.finished_picture(prompt).await?;
        ensure!(generation["settings"]["prompt"] == prompt, "{generation}");
    }
    // Escapes are another way to write the same text.
    let body = r#"{"model":"sketch-image","prompt":"\ud83d\ude00 \u0061\/\n","width":320,"height":320}"#;
    let request =
        ada.request(Method::POST, "/v1/generations").header("content-type", "application/json; charset=utf-8");
    let generation = Answer::read(request.body(body).send().await?).await?.is(202)?.json;
    ensure!(generation["settings"]["prompt"] == "\u{1f600} a/\n", "{generation}");

    let name = "\u{202e}adA\u{202c} <b>";
    let account = ada.patch("/v1/account", &json!({"display_name": name})).await?.is(200)?.json;
    ensure!(account["display_name"] == name, "{account}");
    let upload = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64), "file_name": name});
    let upload = ada.post("/v1/uploads", &upload).await?.is(201)?.json;
    ensure!(upload["file_name"] == name, "{upload}");
    Ok(())
}
