//! Preferences of the account owner.

use serde::{Deserialize, Serialize};

use crate::registry::DataFields;

/// The color scheme of the web client.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Follows the setting of the device.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What the account owner prefers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
pub struct Preferences {
    /// The color scheme of the web client.
    #[data(plain)]
    pub theme: Theme,
    /// The language, as a [BCP 47](https://www.rfc-editor.org/info/bcp47) tag.
    #[data(plain)]
    pub language: String,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { theme: Theme::default(), language: "en".to_owned() }
    }
}

/// Says whether a text has the form of a [BCP 47](https://www.rfc-editor.org/info/bcp47) tag with a language code of
/// two or three characters.
pub(crate) fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language =
        parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()));
    language
        && tag.len() <= 35
        && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}
