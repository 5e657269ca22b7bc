//! The process environment, read once at cold start.
//!
//! A function parses its own `Config` out of [`Environment`]; what is missing stops the start and is named.

use std::collections::HashMap;

/// The variables that the process was started with.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The environment of this process. A variable that is not UTF-8 is as good as missing.
    #[must_use]
    pub fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that the function cannot do without. Empty counts as missing: a template that resolves to nothing
    /// must stop the start, not become a table without a name.
    pub fn required(&self, name: &'static str) -> Result<String, InvalidVariable> {
        self.optional(name).map(str::to_owned).ok_or(InvalidVariable::Missing(name))
    }

    /// A variable that may be missing or empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A whole number that the function cannot do without.
    pub fn integer(&self, name: &'static str) -> Result<i64, InvalidVariable> {
        self.required(name)?.parse().map_err(|source| InvalidVariable::NotAnInteger { name, source })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A variable that stops the start. Values are never shown: one of them is a credential.
#[derive(Debug, thiserror::Error)]
pub enum InvalidVariable {
    /// It is not set, or set to nothing.
    #[error("the environment variable {0} is not set: set it for this function in template.yaml")]
    Missing(&'static str),
    /// It holds something else than a whole number.
    #[error("the environment variable {name} is not a whole number: correct it for this function in template.yaml")]
    NotAnInteger {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        source: std::num::ParseIntError,
    },
    /// It names something else than a file of root certificates.
    #[error("the environment variable {name} names no readable PEM file of root certificates: correct it, or unset it")]
    NotRootCertificates {
        /// The variable.
        name: &'static str,
        /// What is wrong with the file.
        source: crate::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_and_an_empty_variable_are_both_refused_by_name() {
        let environment = Environment::from_iter([("BUCKET", "")]);
        for name in ["TABLE", "BUCKET"] {
            let message = environment.required(name).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("template.yaml"), "{message}");
        }
    }

    #[test]
    fn a_number_is_parsed_and_anything_else_is_refused_by_name() {
        let environment = Environment::from_iter([("DAYS", "30"), ("LIMIT", "many")]);
        assert_eq!(environment.integer("DAYS").unwrap(), 30);
        assert!(environment.integer("LIMIT").unwrap_err().to_string().contains("LIMIT"));
    }
}
