//! Reply templates: texts that staff choose from when they reply to a ticket.
//!
//! All of them are one list in versions. Who changes it states the version that they saw, so no change is overwritten unseen.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    generations::settings,
    refusal::{FieldError, Refusal, check_text},
    registry::DataFields,
};

/// Most templates. At the longest texts all of them fit into one item.
pub const TEMPLATES: usize = 40;
/// Longest name, in characters.
pub const NAME_CHARACTERS: usize = 80;

/// A text to reply with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyTemplate {
    /// Its name: one line of at most 80 characters.
    #[data(plain)]
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// The text: at most 2,000 characters. The console puts the name of the service for `{service}` and the id of the ticket for
    /// `{ticket}`.
    #[data(plain)]
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// The list of templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct ReplyTemplates {
    /// The templates.
    #[data(nested)]
    pub templates: Vec<ReplyTemplate>,
    /// The staff member who changed the list last, as in audit logs.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// Its version, from 1.
    #[data(plain)]
    pub version: u64,
}

impl ReplyTemplates {
    /// Replaces the list. `seen` is the version that it replaces; 0 if there is none.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every rule that is broken, [`Refusal::Conflict`] if another version is the latest.
    pub fn replace(
        current: Option<&Self>,
        seen: u64,
        templates: Vec<ReplyTemplate>,
        staff: String,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        if templates.len() > TEMPLATES {
            errors.push(FieldError::new("templates", format!("at most {TEMPLATES}")));
        }
        let mut names = BTreeSet::new();
        for (index, ReplyTemplate { name, text }) in templates.iter().enumerate() {
            let field = format!("templates.{index}.name");
            if !names.insert(name) {
                errors.push(FieldError::new(field.clone(), "another template has this name"));
            }
            if name.contains('\n') {
                errors.push(FieldError::new(field.clone(), "one line"));
            }
            errors.extend(check_text(field, name, NAME_CHARACTERS));
            let text_error = settings::check_text("text", text);
            errors.extend(text_error.map(|error| FieldError::new(format!("templates.{index}.text"), error.rule)));
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let version = current.map_or(0, |current| current.version);
        if version != seen {
            return Err(Refusal::Conflict("another member of staff changed the templates: load them again"));
        }
        Ok(Self { templates, staff, at: now, version: version + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(name: &str) -> ReplyTemplate {
        ReplyTemplate { name: name.to_owned(), text: "We look into it.".to_owned() }
    }

    fn replace(current: Option<&ReplyTemplates>, seen: u64, names: &[&str]) -> Result<ReplyTemplates, Refusal> {
        let templates = names.iter().map(|name| template(name)).collect();
        ReplyTemplates::replace(current, seen, templates, "ada".to_owned(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn list_is_replaced_over_the_version_that_was_seen() {
        let first = replace(None, 0, &["Received"]).unwrap();
        let second = replace(Some(&first), 1, &["Received", "Refunded"]).unwrap();
        assert_eq!((second.version, second.templates.len()), (2, 2));
        assert!(matches!(replace(Some(&second), 1, &[]), Err(Refusal::Conflict(_))), "the second change is not lost");
    }

    #[test]
    fn every_broken_rule_is_named() {
        let Err(Refusal::Invalid(errors)) = replace(None, 0, &["A", "A", "", "two\nlines"]) else { panic!("accepted") };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_ref()).collect();
        assert_eq!(fields[..2], ["templates.1.name", "templates.2.name"]);
        assert!(fields.contains(&"templates.3.name"));
        let many: Vec<_> = (0..=TEMPLATES).map(|number| number.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(matches!(replace(None, 0, &many), Err(Refusal::Invalid(_))));
    }
}
