//! The routes of the template.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A route of the template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// In upper case.
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// The binary of the function behind it.
    pub function: String,
    /// Whether it needs no access token.
    pub open: bool,
}

/// Every route of the API, in order. Whatever else there is shows the web client, without a token.
pub fn routes() -> Result<Vec<Route>> {
    let text = std::fs::read_to_string(stack::workspace().join("template.yaml"))?;
    // The short forms of CloudFormation's functions are tags, which are read over: no route has one.
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
