//! The routes and resources of the template.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::env::test_env::TestEnv;

/// The bucket of the deployed templates.
const DEPLOYMENTS: &str = "darkroom-deployments";

/// Returns the deployed template that declares this resource, as JSON.
pub async fn deployed(env: &TestEnv, resource: &str) -> Result<Value> {
    let clients = env.clients()?;
    let listed = clients.s3().list_objects_v2().bucket(DEPLOYMENTS).prefix("templates/").send().await?;
    for object in listed.contents() {
        let key = object.key().context("an object without a key")?;
        let object = clients.s3().get_object().bucket(DEPLOYMENTS).key(key).send().await?;
        let template: Value = serde_json::from_slice(&object.body.collect().await?.to_vec())?;
        if template["Resources"].get(resource).is_some() {
            return Ok(template);
        }
    }
    bail!("no deployed template declares {resource}")
}

/// A route of the template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The method, in upper case.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    /// The binary of its function.
    pub function: String,
    /// Whether it needs no access token.
    pub open: bool,
}

/// Returns every route of the API, in order. Every other route must be one of the web client, without a token.
pub fn routes() -> Result<Vec<Route>> {
    let text = std::fs::read_to_string(stack::workspace().join("template.yaml"))?;
    // The short forms of CloudFormation functions are YAML tags, which are ignored: no route has one.
    let template: Value = serde_saphyr::from_str(&text)?;
    let resources = template["Resources"].as_object().context("the template has no resources")?;
    let mut routes = Vec::new();
    for (name, resource) in resources {
        for event in resource["Properties"]["Events"].as_object().into_iter().flat_map(|events| events.values()) {
            if event["Type"] != "HttpApi" {
                continue;
            }
            let part = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("a route of {name}"));
            let properties = &event["Properties"];
            let route = Route {
                method: part(&properties["Method"])?.to_uppercase(),
                path: part(&properties["Path"])?,
                function: part(&resource["Metadata"]["BuildProperties"]["Binary"])?,
                open: properties["Auth"]["Authorizer"] == "NONE",
            };
            if route.path.starts_with("/v1/") {
                routes.push(route);
                continue;
            }
            let shows_client = route.function == "site" && ["GET", "HEAD"].contains(&route.method.as_str());
            ensure!(shows_client && route.open, "{route:?} is neither of the API nor of the client");
        }
    }
    ensure!(!routes.is_empty(), "the template has no routes");
    routes.sort();
    Ok(routes)
}
