//! Reads the process environment, once at cold start.
//!
//! A function takes its configuration from [`Environment`]. A missing variable stops the start, and the error names it.

use std::{collections::HashMap, num::ParseIntError, str::FromStr};

/// Holds the environment variables of the process.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Reads the environment of this process. Leaves out variables that are not UTF-8.
    #[must_use]
    pub fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns a variable that the function requires. An empty variable counts as missing, so that an empty reference in the
    /// template stops the start.
    ///
    /// # Errors
    /// The variable is missing or empty.
    pub fn required(&self, name: &'static str) -> Result<String, InvalidVariable> {
        self.optional(name).map(str::to_owned).ok_or(InvalidVariable::Missing(name))
    }

    /// Returns a variable that may be missing; `None` if it is missing or empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns an integer that the function requires.
    ///
    /// # Errors
    /// The variable is missing, empty, or not an integer in the range of the type.
    pub fn integer<N: FromStr<Err = ParseIntError>>(&self, name: &'static str) -> Result<N, InvalidVariable> {
        self.required(name)?.parse().map_err(|source| InvalidVariable::NotAnInteger { name, source })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names a variable that stops the start. Never shows a value, as it may be a credential.
#[derive(Debug, thiserror::Error)]
pub enum InvalidVariable {
    /// It is not set, or empty.
    #[error("the environment variable {0} is not set: set it for this function in template.yaml")]
    Missing(&'static str),
    /// It is not an integer, or not one in its range.
    #[error(
        "the environment variable {name} is not an integer in its range: correct it for this function in template.yaml"
    )]
    NotAnInteger {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        source: ParseIntError,
    },
    /// It does not name a file of root certificates.
    #[error("the environment variable {name} names no readable PEM file of root certificates: correct it, or unset it")]
    NotRootCertificates {
        /// The variable.
        name: &'static str,
        /// What is wrong with the file.
        source: crate::error::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_empty_variables_are_refused_by_name() {
        let environment = Environment::from_iter([("BUCKET", "")]);
        for name in ["TABLE", "BUCKET"] {
            let message = environment.required(name).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("template.yaml"), "{message}");
        }
    }

    #[test]
    fn integer_is_parsed_and_other_text_is_refused_by_name() {
        let environment = Environment::from_iter([("DAYS", "30"), ("LIMIT", "many")]);
        assert_eq!(environment.integer::<i64>("DAYS").unwrap(), 30);
        assert!(environment.integer::<i64>("LIMIT").unwrap_err().to_string().contains("LIMIT"));
    }

    #[test]
    fn integer_out_of_range_is_refused_by_name() {
        let environment = Environment::from_iter([("DAYS", "30"), ("LIMIT", "-1")]);
        assert_eq!(environment.integer::<u64>("DAYS").unwrap(), 30);
        assert!(environment.integer::<u64>("LIMIT").unwrap_err().to_string().contains("LIMIT"));
    }
}
