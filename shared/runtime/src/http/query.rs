//! Reads query strings and path parameters strictly.

use std::collections::HashSet;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::body::invalid;
use super::problem::{Problem, REPEATED};

/// Extracts the query string. Refuses repeated parameters, values that are not valid, and, if `T` has `deny_unknown_fields`, which every
/// query has, unknown parameters. The 400 names the parameter.
pub struct StrictQuery<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut names = HashSet::new();
    for (name, _) in pairs {
        if names.contains(&name) {
            return Err(Problem::invalid(name, REPEATED));
        }
        names.insert(name);
    }
    let values = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(values)
        .map_err(|error| invalid(&error.path().to_string(), &error.inner().to_string()))
}

/// Extracts the parameters of the path. A malformed id identifies nothing, and gets 404.
pub struct StrictPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for StrictPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(parameters)| Self(parameters)).map_err(|_| Problem::not_found())
    }
}
