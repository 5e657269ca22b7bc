//! The texts of the operator: the name of the service, imprint, contact, terms, accent color and logo, as one
//! [document](crate::documents) in versions.
//!
//! The compiled default is `shared/domain/service-texts/default.json`.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::email,
    documents::{Document, Errors},
    refusal::FieldError,
};

/// The most characters of the name.
const NAME: usize = 40;
/// The most characters of the imprint, and of the text of a section of the terms.
const TEXT: usize = 10_000;
/// The most characters of the title of a section.
const TITLE: usize = 200;
/// The most sections, and items of a section.
const PARTS: usize = 50;
/// The most bytes of the logo.
const LOGO_BYTES: usize = 16 << 10;
/// The largest side of the logo, in pixels.
const LOGO_SIDE: u32 = 512;
/// How a logo begins.
const LOGO_PREFIX: &str = "data:image/png;base64,";
/// The contrast that text needs
/// ([WCAG 2.2, 1.4.3](https://www.w3.org/TR/WCAG22/#contrast-minimum)).
const CONTRAST: f64 = 4.5;
/// The backgrounds of the web client that the accent color is read on, in light and dark theme.
const BACKGROUNDS: [[&str; 3]; 2] = [["#f7f4f1", "#ffffff", "#ece6e1"], ["#151110", "#1e1917", "#282220"]];

/// The texts of the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceTexts {
    /// The number of its version, which the document does not have. 0 is the compiled default.
    #[serde(skip)]
    pub version: u32,
    /// The name of the service.
    pub name: String,
    /// The address that people write to; empty for none.
    pub contact: String,
    /// Who operates the service, as the law of their country asks. Empty in both languages for none.
    pub imprint: Localized,
    /// The terms of service and acceptable use.
    pub terms: Terms,
    /// The color of links and buttons.
    pub accent: Accent,
    /// A PNG as a `data:` URL, at most 16 KiB and 512 by 512 pixels; empty for the logo of Darkroom.
    pub logo: String,
}

/// A text in each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Localized {
    /// In English.
    pub en: String,
    /// In German.
    pub de: String,
}

/// The terms of service and acceptable use. Who changes their meaning changes the version: every account is asked to accept it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The date from which they apply.
    #[schema(format = Date)]
    pub version: String,
    /// In English.
    pub en: Vec<TermsSection>,
    /// In German.
    pub de: Vec<TermsSection>,
}

/// A section of the terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsSection {
    /// The title.
    pub title: String,
    /// The text. Line feeds part its paragraphs.
    pub text: String,
    /// A list that follows the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
}

/// The color of links and buttons in both themes, as `#rrggbb`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accent {
    /// In the light theme, on which white text is read.
    pub light: String,
    /// In the dark theme, on which dark text is read.
    pub dark: String,
}

static COMPILED: LazyLock<ServiceTexts> =
    LazyLock::new(|| serde_json::from_str(include_str!("../service-texts/default.json")).unwrap_or_default());

/// Returns the compiled default, which is used until a version is published.
#[must_use]
pub fn compiled() -> &'static ServiceTexts {
    &COMPILED
}

impl Document for ServiceTexts {
    const NAME: &'static str = "texts";
    const SCHEMA: &'static str = include_str!("../service-texts/schema.json");

    fn compiled() -> &'static Self {
        compiled()
    }

    fn with_version(self, number: u32) -> Self {
        Self { version: number, ..self }
    }

    fn check(&self) -> Vec<FieldError> {
        let mut errors = Errors::default();
        errors.text("name", &self.name, NAME);
        let is_address = self.contact.is_empty() || email::normalize(&self.contact).as_ref() == Some(&self.contact);
        errors.require(is_address, "contact", "an email address in lower case, or empty");
        errors.optional_text("imprint.en", &self.imprint.en);
        errors.optional_text("imprint.de", &self.imprint.de);
        let is_date = self.terms.version.parse::<Date>().is_ok_and(|date| date.to_string() == self.terms.version);
        errors.require(is_date, "terms.version", "a date, such as 2026-11-30");
        for (language, sections) in [("en", &self.terms.en), ("de", &self.terms.de)] {
            errors.sections(&format!("terms.{language}"), sections);
        }
        let [light, dark] = &BACKGROUNDS;
        errors.accent("accent.light", &self.accent.light, light);
        errors.accent("accent.dark", &self.accent.dark, dark);
        errors.require(
            self.logo.is_empty() || is_logo(&self.logo),
            "logo",
            "a PNG as a data: URL, at most 16 KiB and 512 by 512 pixels, or empty",
        );
        errors.0
    }
}

impl Errors {
    /// Requires a text of several lines, which may be empty.
    fn optional_text(&mut self, field: &str, text: &str) {
        let is_text = text.chars().count() <= TEXT && !text.chars().any(|c| c.is_control() && c != '\n');
        self.require(is_text, field, format!("at most {TEXT} characters, no control characters but line feed"));
    }

    fn sections(&mut self, field: &str, sections: &[TermsSection]) {
        self.require((1..=PARTS).contains(&sections.len()), field, format!("1 to {PARTS}"));
        for (number, section) in sections.iter().enumerate() {
            let field = format!("{field}[{number}]");
            self.text(&format!("{field}.title"), &section.title, TITLE);
            self.require(!section.text.trim().is_empty(), &format!("{field}.text"), "not empty");
            self.optional_text(&format!("{field}.text"), &section.text);
            self.require(section.items.len() <= PARTS, &format!("{field}.items"), format!("at most {PARTS}"));
            for (number, item) in section.items.iter().enumerate() {
                self.text(&format!("{field}.items[{number}]"), item, TEXT);
            }
        }
    }

    fn accent(&mut self, field: &str, color: &str, backgrounds: &[&str]) {
        let Some(luminance_of_color) = luminance(color) else {
            return self.require(false, field, "#rrggbb with lower-case hexadecimal digits");
        };
        let least = backgrounds.iter().filter_map(|background| luminance(background));
        let least = least.map(|background| contrast(luminance_of_color, background)).fold(f64::INFINITY, f64::min);
        let rule = format!("a contrast of at least {CONTRAST} to {}; it is {least:.2}", backgrounds.join(", "));
        self.require(least >= CONTRAST, field, rule);
    }
}

/// Returns the relative luminance of `#rrggbb`
/// ([WCAG 2.2](https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)).
fn luminance(color: &str) -> Option<f64> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let is_lower = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_lower)?;
    let [_, red, green, blue] = number.to_be_bytes().map(|channel| {
        let channel = f64::from(channel) / 255.0;
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    });
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue)
}

/// Returns the contrast ratio of two luminances
/// ([WCAG 2.2](https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)).
fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Whether a text is a PNG within the limits, as a `data:` URL: its signature, and the size in its first chunk
/// ([PNG](https://www.w3.org/TR/png-3/#11IHDR)).
fn is_logo(url: &str) -> bool {
    let decoded = url.strip_prefix(LOGO_PREFIX).and_then(|data| STANDARD.decode(data).ok());
    let Some(png) = decoded.filter(|png| png.len() <= LOGO_BYTES) else { return false };
    let side = |at: usize| {
        let bytes: [u8; 4] = png.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes)).filter(|side| (1..=LOGO_SIDE).contains(side))
    };
    png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") && side(16).is_some() && side(20).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::assert_schema;

    fn broken(change: impl Fn(&mut ServiceTexts)) -> Vec<String> {
        let mut texts = compiled().clone();
        change(&mut texts);
        texts.check().into_iter().map(|error| format!("{}: {}", error.field, error.rule)).collect()
    }

    fn png(width: u32, bytes: usize) -> String {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(64_u32.to_be_bytes());
        png.resize(bytes, 0);
        format!("{LOGO_PREFIX}{}", STANDARD.encode(png))
    }

    #[test]
    fn compiled_default_is_a_valid_document() {
        let parsed: ServiceTexts = serde_json::from_str(include_str!("../service-texts/default.json")).unwrap();
        assert_eq!(&parsed, compiled());
        assert_eq!(broken(|_| ()), [""; 0]);
    }

    #[test]
    fn published_schema_is_that_of_the_types() {
        assert_schema::<ServiceTexts>("service-texts/schema.json");
    }

    #[test]
    fn accent_has_the_contrast_that_text_needs() {
        assert!((contrast(luminance("#ffffff").unwrap(), luminance("#000000").unwrap()) - 21.0).abs() < 1e-9);
        assert!((contrast(luminance("#777777").unwrap(), 1.0) - 4.478).abs() < 1e-3);
        assert_eq!(broken(|texts| texts.accent.light = "#0b5cad".to_owned()), [""; 0]);
        let pale = broken(|texts| texts.accent.light = "#ff7a5e".to_owned());
        assert_eq!(pale, ["accent.light: a contrast of at least 4.5 to #f7f4f1, #ffffff, #ece6e1; it is 2.07"]);
        let dark = broken(|texts| texts.accent.dark = "#b3301a".to_owned());
        assert!(dark[0].starts_with("accent.dark: a contrast of at least 4.5 to #151110"), "{dark:?}");
        for color in ["", "red", "#fff", "#B3301A", "#b3301a;", "#b3301g"] {
            let found = broken(|texts| texts.accent.light = color.to_owned());
            assert_eq!(found, ["accent.light: #rrggbb with lower-case hexadecimal digits"], "{color}");
        }
    }

    #[test]
    fn logo_is_a_small_png() {
        assert_eq!(broken(|texts| texts.logo = png(512, LOGO_BYTES)), [""; 0]);
        let svg = "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=".to_owned();
        let others = [
            png(513, 100),
            png(0, 100),
            png(64, LOGO_BYTES + 1),
            svg,
            format!("{LOGO_PREFIX}iVBORw0KGgo="),
            "x".to_owned(),
        ];
        for other in others {
            let found = broken(|texts| texts.logo = other.clone());
            assert_eq!(found.len(), 1, "{other}");
            assert!(found[0].starts_with("logo: a PNG"), "{found:?}");
        }
    }

    #[test]
    fn text_that_breaks_a_rule_is_named() {
        assert!(broken(|texts| texts.name = " ".to_owned())[0].starts_with("name: 1 to 40"));
        assert!(broken(|texts| texts.contact = "ada".to_owned())[0].starts_with("contact: an email address"));
        assert!(broken(|texts| texts.imprint.de = "a\u{7}".to_owned())[0].starts_with("imprint.de: at most"));
        assert_eq!(broken(|texts| texts.imprint.de = "Ada\nLondon".to_owned()), [""; 0]);
        for version in ["soon", "20261130", "2026-11-30T12:00"] {
            let found = broken(|texts| texts.terms.version = version.to_owned());
            assert!(found[0].starts_with("terms.version: a date"), "{version}");
        }
        assert!(broken(|texts| texts.terms.de.clear())[0].starts_with("terms.de: 1 to 50"));
        let item = broken(|texts| texts.terms.en[3].items[1].clear());
        assert!(item[0].starts_with("terms.en[3].items[1]: 1 to"), "{item:?}");
    }
}
