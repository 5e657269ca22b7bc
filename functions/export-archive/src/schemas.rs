//! Generates a JSON schema for each file of items from the types that the items are stored as.

use domain::{
    accounts::{
        account::Account, correction::CorrectionRecord, email_change::EmailChange, second_factor::SecondFactor,
    },
    credits::{ledger::LedgerEntry, promotion::Redemption},
    generations::{generation::Generation, share::Share, upload::Upload},
    moderation::case::Case,
    payments::payment::Payment,
    privacy::export,
    staff::{audit::AuditEntry, notes::CaseNotes},
    support::ticket::Ticket,
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};
use store::{Activity, IdempotencyRecord};

/// Returns the schema of the file with the items of this kind; `None` for a kind without a type here.
pub(crate) fn of(kind: &str) -> Option<Value> {
    let mut item = match kind {
        "access" => schema_of::<AuditEntry>(),
        "account" => schema_of::<Account>(),
        "activity" => schema_of::<Activity>(),
        "case" => schema_of::<Case>(),
        "case-notes" => schema_of::<CaseNotes>(),
        "correction" => schema_of::<CorrectionRecord>(),
        "email-change" => schema_of::<EmailChange>(),
        "export" => schema_of::<export::Export>(),
        "generation" => schema_of::<Generation>(),
        "idempotency" => schema_of::<IdempotencyRecord>(),
        "ledger" => schema_of::<LedgerEntry>(),
        "payment" => schema_of::<Payment>(),
        "redemption" => schema_of::<Redemption>(),
        "second-factor" => schema_of::<SecondFactor>(),
        "share" => schema_of::<Share>(),
        "ticket" => schema_of::<Ticket>(),
        "upload" => schema_of::<Upload>(),
        _ => return None,
    };
    let object = item.as_object_mut()?;
    let (dialect, definitions) = (object.remove("$schema"), object.remove("$defs"));
    for withheld in export::withheld(kind) {
        object.get_mut("properties").and_then(Value::as_object_mut).map(|fields| fields.remove(*withheld));
        object.get_mut("required").and_then(Value::as_array_mut)?.retain(|name| name != withheld);
    }
    // An item has no fields that its type does not declare.
    object.insert("additionalProperties".to_owned(), Value::Bool(false));
    let mut schema = json!({ "$schema": dialect, "title": kind, "type": "array", "items": item });
    if let (Some(definitions), Some(schema)) = (definitions, schema.as_object_mut()) {
        schema.insert("$defs".to_owned(), definitions);
    }
    Some(schema)
}

/// Generates the schema of a type as it is serialized: a field that may be left out is not required.
fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents;

    #[test]
    fn every_exported_kind_has_a_schema() {
        for kind in contents::kinds() {
            assert!(of(kind.name).is_some(), "{} has no schema: name its type here", kind.name);
        }
    }

    #[test]
    fn withheld_fields_are_not_in_the_schema() {
        for (kind, mut schema) in [
            ("share", schema_of::<Share>()),
            ("idempotency", schema_of::<IdempotencyRecord>()),
            ("export", schema_of::<export::Export>()),
            ("second-factor", schema_of::<SecondFactor>()),
            ("case", schema_of::<Case>()),
        ] {
            for withheld in export::withheld(kind) {
                assert!(schema["properties"][withheld].take().is_object(), "{kind} has no {withheld}");
                assert!(of(kind).unwrap()["items"]["properties"][withheld].is_null());
            }
        }
    }
}
