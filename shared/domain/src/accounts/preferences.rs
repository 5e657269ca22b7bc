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

/// A language that the mails and the page of a data export are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English, also for every language that has no texts.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Chooses the language for a tag of [BCP 47](https://www.rfc-editor.org/info/bcp47), such as the one in the
    /// preferences of an account, by its first part.
    #[must_use]
    pub fn from_tag(tag: &str) -> Self {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_chooses_its_language_or_english() {
        for (tag, language) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("DE", Language::German),
            ("den", Language::English),
            ("en-GB", Language::English),
            ("fr", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag}");
        }
    }
}
