//! The contract: the OpenAPI document describes the deployed routes, and every response conforms to it.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    env::{
        checkouts::Checkout,
        exports::request_export,
        http::text,
        second_factor::APP,
        test_env::{TestEnv, TestUser},
        trial::tests,
    },
    template::routes,
};

tests![
    openapi_document_matches_the_template_routes,
    template_routes_each_operation_to_its_declared_function,
    staff_responses_conform_to_the_openapi_document,
    account_responses_conform_to_the_openapi_document,
    generation_responses_conform_to_the_openapi_document,
    other_responses_conform_to_the_openapi_document,
];

/// What follows `/v1` in the paths of each test. The last test sends the requests of all others.
const STAFF: &[&str] = &["staff"];
const ACCOUNTS: &[&str] = &["account", "privacy"];
const GENERATIONS: &[&str] = &["gallery", "generations", "models", "shared", "uploads"];

async fn staff_responses_conform_to_the_openapi_document(env: &'static TestEnv) -> Result<()> {
    check_responses(env, "staff", |part| STAFF.contains(&part)).await
}

async fn account_responses_conform_to_the_openapi_document(env: &'static TestEnv) -> Result<()> {
    check_responses(env, "account", |part| ACCOUNTS.contains(&part)).await
}

async fn generation_responses_conform_to_the_openapi_document(env: &'static TestEnv) -> Result<()> {
    check_responses(env, "generation", |part| GENERATIONS.contains(&part)).await
}

async fn other_responses_conform_to_the_openapi_document(env: &'static TestEnv) -> Result<()> {
    check_responses(env, "other", |part| ![STAFF, ACCOUNTS, GENERATIONS].concat().contains(&part)).await
}

async fn openapi_document_matches_the_template_routes(env: &'static TestEnv) -> Result<()> {
    let served = env.visitor()?.get("/v1/openapi.json").await?.is(200)?;
    ensure!(served.header("content-type") == Some("application/json"));
    ensure!(served.json == api::document(), "another document is served");
    let mut described = BTreeSet::new();
    for (path, methods) in served.json["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let open = operation["security"] == Value::Array(Vec::new());
            described.insert((method.to_uppercase(), path.clone(), open));
        }
    }
    let deployed: BTreeSet<_> = routes()?.into_iter().map(|route| (route.method, route.path, route.open)).collect();
    let differences: Vec<_> = described.symmetric_difference(&deployed).collect();
    ensure!(differences.is_empty(), "method, path, whether it is open: {differences:?}");
    Ok(())
}

async fn template_routes_each_operation_to_its_declared_function(_: &'static TestEnv) -> Result<()> {
    let declared: BTreeSet<_> = api::operations()
        .map(|operation| (operation.method.to_uppercase(), operation.path.to_owned(), operation.function.to_owned()))
        .collect();
    let deployed: BTreeSet<_> = routes()?.into_iter().map(|route| (route.method, route.path, route.function)).collect();
    let differences: Vec<_> = declared.symmetric_difference(&deployed).collect();
    ensure!(differences.is_empty(), "method, path, function: {differences:?}");
    Ok(())
}

/// Sends valid and invalid requests that Schemathesis derives from the selected paths of the document, with a fixed seed.
/// Refusals for missing credits or exceeded limits conform as well. The tests that call this run beside each other, as
/// Schemathesis makes one request after the other.
///
/// Other methods are left out: the local gateway answers them itself.
async fn check_responses(env: &'static TestEnv, name: &str, is_selected: fn(&str) -> bool) -> Result<()> {
    let is_selected = |path: &str| path.split('/').nth(2).is_some_and(is_selected);
    let ada = env.staff().await?;
    let python = stack::python("venv-tests", "Schemathesis", "tests/requirements.txt", &mut ())?;
    let folder = env.folder.with_extension(format!("contract-{name}"));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("schemathesis.toml"), config_of(&ada).await?)?;
    // A file, not a URL: Schemathesis leaves out the route that it loaded the document from.
    let mut document = ada.get("/v1/openapi.json").await?.is(200)?.json;
    let paths = document["paths"].as_object_mut().context("the document has no paths")?;
    paths.retain(|path, _| is_selected(path));
    fs::write(folder.join("openapi.json"), document.to_string())?;
    let output = Command::new(python.with_file_name("st"))
        .current_dir(&folder)
        .args(["run", "openapi.json", "--url", &env.base_url])
        .args(["--phases", "coverage,fuzzing", "--max-examples", "15", "--seed", "1"])
        // One worker: with two, Python 3.11 fails in its parser (https://github.com/python/cpython/issues/106905).
        .args(["--workers", "1"])
        .args(["--generation-database", "none", "--no-color", "--continue-on-failure", "--warnings", "off"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    let all = api::operations().filter(|operation| is_selected(operation.path)).count();
    ensure!(report.contains(&format!("Tested: {all}")), "not all {all} operations were tested:\n{report}");
    Ok(())
}

/// Returns the configuration of Schemathesis: the user's token, and existing ids for the paths. DELETE gets none, so
/// nothing is deleted.
async fn config_of(ada: &TestUser) -> Result<String> {
    let image = text(&ada.finished_image("a still life").await?, "id")?;
    let share = ada.post(&format!("/v1/generations/{image}/outputs/1/shares"), &json!({"expires_in_s": 3600})).await?;
    let token = text(&share.is(201)?.json, "token")?;
    let upload = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64)});
    let upload = text(&ada.post("/v1/uploads", &upload).await?.is(201)?.json, "id")?;
    let export = request_export(ada).await?;
    let payment = Checkout::start(ada, "paypal", "starter").await?.id;
    // Staff do not decide about their own payments.
    let bob = ada.env.user().await?;
    let [account, bobs_payment] = [bob.account_id.clone(), Checkout::start(&bob, "paypal", "starter").await?.id];
    let mut config = format!(
        "headers = {{ Authorization = \"Bearer {}\" }}\n",
        ada.token.as_deref().context("the user has no token")?
    );
    let (first, compiled, month) = ("1".to_owned(), "0".to_owned(), "2026-11".to_owned());
    let id = |path: &str, kind: &str| match kind {
        "output" => Some(&first),
        "number" => Some(&compiled),
        "month" => Some(&month),
        "upload" => Some(&upload),
        "token" => Some(&token),
        "generation" => Some(&image),
        "payment" if path.ends_with("/decision") => Some(&bobs_payment),
        "checkout" | "payment" => Some(&payment),
        "export" => Some(&export),
        "account" if path.ends_with("/decision") => Some(&account),
        _ => None,
    };
    for operation in api::operations().filter(|operation| operation.method != "delete") {
        let parameters = operation.path_parameters().into_iter();
        let known = parameters.filter_map(|(name, kind)| Some(format!("{name} = \"{}\"", id(operation.path, kind)?)));
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            let name = format!("{} {}", operation.method.to_uppercase(), operation.path);
            let known = known.join(", ");
            config += &format!("[[operations]]\ninclude-name = \"{name}\"\nparameters = {{ {known} }}\n");
        }
    }
    // Each number of a document at each of its limits takes ten minutes. The tests of the routes send what breaks its rules.
    for document in ["catalogue", "settings", "texts"] {
        let name = format!("POST /v1/staff/{document}/versions");
        config += &format!("[[operations]]\ninclude-name = \"{name}\"\nphases.coverage.enabled = false\n");
    }
    // The rest is for staff, who need their second factor.
    config += &format!(
        "[[operations]]\ninclude-name = \"DELETE {APP}\"\nheaders = {{ Authorization = \"Bearer {}\" }}\n",
        bob.token.as_deref().context("the user has no token")?
    );
    Ok(config)
}
