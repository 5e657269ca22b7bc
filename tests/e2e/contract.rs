//! The contract: what is served describes what is deployed, and what is deployed answers as it is described.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    buying::Checkout,
    exports, template, tests,
    world::{Person, TestEnv, text},
};

tests![
    the_served_document_describes_the_routes_of_the_template_and_nothing_else,
    each_operation_is_answered_by_the_function_that_is_declared,
    every_answer_is_one_that_the_document_promises,
];

async fn the_served_document_describes_the_routes_of_the_template_and_nothing_else(
    world: &'static TestEnv,
) -> Result<()> {
    let served = world.stranger()?.get("/v1/openapi.json").await?.is(200)?;
    ensure!(served.header("content-type") == Some("application/json"));
    ensure!(served.json == api::document(), "another document is served");
    let mut described = BTreeSet::new();
    for (path, methods) in served.json["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let open = operation["security"] == Value::Array(Vec::new());
            described.insert((method.to_uppercase(), path.clone(), open));
        }
    }
    let deployed: BTreeSet<_> =
        template::routes()?.into_iter().map(|route| (route.method, route.path, route.open)).collect();
    let differences: Vec<_> = described.symmetric_difference(&deployed).collect();
    ensure!(differences.is_empty(), "method, path, whether it is open: {differences:?}");
    Ok(())
}

async fn each_operation_is_answered_by_the_function_that_is_declared(_: &'static TestEnv) -> Result<()> {
    let declared: BTreeSet<_> = api::operations()
        .map(|operation| (operation.method.to_uppercase(), operation.path.to_owned(), operation.function.to_owned()))
        .collect();
    let deployed: BTreeSet<_> =
        template::routes()?.into_iter().map(|route| (route.method, route.path, route.function)).collect();
    let differences: Vec<_> = declared.symmetric_difference(&deployed).collect();
    ensure!(differences.is_empty(), "method, path, function: {differences:?}");
    Ok(())
}

/// Asks for a minute or so what the document allows and what it does not, always the same. Whatever it does to its own
/// person is within the rules: being refused for too little credit or too much haste is described as well.
///
/// Not asked for is what never reaches a function, as the local gateway answers it in its own way: other methods.
async fn every_answer_is_one_that_the_document_promises(world: &'static TestEnv) -> Result<()> {
    let ada = world.staff().await?;
    let python = stack::python("venv-tests", "Schemathesis", "tests/requirements.txt", &mut ())?;
    let folder = world.folder.with_extension("contract");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("schemathesis.toml"), config_of(&ada).await?)?;
    // Not by its address: Schemathesis leaves out the route that it has the document from.
    fs::write(folder.join("openapi.json"), ada.get("/v1/openapi.json").await?.is(200)?.bytes)?;
    let output = Command::new(python.with_file_name("st"))
        .current_dir(&folder)
        .args(["run", "openapi.json", "--url", &world.base_url])
        .args(["--phases", "coverage,fuzzing", "--max-examples", "15", "--seed", "1"])
        // In one thread: in two, Python 3.11 trips over its parser (https://github.com/python/cpython/issues/106905).
        .args(["--workers", "1"])
        .args(["--generation-database", "none", "--no-color", "--continue-on-failure", "--warnings", "off"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    let all = api::operations().count();
    ensure!(report.contains(&format!("Tested: {all}")), "not all {all} operations were asked for:\n{report}");
    Ok(())
}

/// Her token, and ids of hers where a random one would only ever find nothing. Nothing of hers is offered for removal.
async fn config_of(ada: &Person) -> Result<String> {
    let picture = text(&ada.finished_picture("a still life").await?, "id")?;
    let share = ada.post(&format!("/v1/generations/{picture}/shares"), &json!({"expires_in_s": 3600})).await?;
    let token = text(&share.is(201)?.json, "token")?;
    let upload = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64)});
    let upload = text(&ada.post("/v1/uploads", &upload).await?.is(201)?.json, "id")?;
    let export = exports::ask(ada).await?;
    let [account, payment] = [ada.account_id.clone(), Checkout::begin(ada, "paypal", "starter").await?.id];
    let mut config =
        format!("headers = {{ Authorization = \"Bearer {}\" }}\n", ada.token.as_deref().context("nobody signed in")?);
    let id = |path: &str, kind: &str| match kind {
        "upload" => Some(&upload),
        "token" => Some(&token),
        "generation" => Some(&picture),
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
    Ok(config)
}
