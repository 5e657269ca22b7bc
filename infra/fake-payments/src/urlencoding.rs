//! URL-encoded forms: nested keys as Stripe reads them, windows-1252 as PayPal writes it.

use serde_json::{Map, Value};

/// Limits the nesting of keys. Stripe's parameters are less deep.
const MAX_DEPTH: usize = 8;

/// Parses Stripe's nested parameters: `a[b][0]=c` is `{"a": {"b": ["c"]}}`. All values are strings. Ignores keys that are
/// nested too deep or contradict earlier ones.
pub(crate) fn parse_nested(form: &[u8]) -> Value {
    let mut root = Map::new();
    for (key, value) in form_urlencoded::parse(form) {
        let mut path = key.split('[').map(|part| part.strip_suffix(']').unwrap_or(part));
        let first = path.next().unwrap_or_default().to_owned();
        let rest: Vec<&str> = path.collect();
        if rest.len() < MAX_DEPTH {
            insert(&mut root, first, &rest, value.into_owned());
        }
    }
    with_arrays(Value::Object(root))
}

/// Encodes fields in windows-1252, PayPal's default charset. A character that the charset lacks becomes `?`.
pub(crate) fn encode_windows_1252(fields: &[(&str, String)]) -> String {
    let encoded = fields.iter().map(|(name, value)| {
        let bytes: Vec<u8> = value.chars().map(windows_1252_byte).collect();
        format!("{name}={}", form_urlencoded::byte_serialize(&bytes).collect::<String>())
    });
    encoded.collect::<Vec<_>>().join("&")
}

fn insert(node: &mut Map<String, Value>, key: String, rest: &[&str], value: String) {
    let key = if key.is_empty() { node.len().to_string() } else { key };
    match rest.split_first() {
        None => {
            node.insert(key, Value::String(value));
        }
        Some((next, rest)) => {
            if let Value::Object(child) = node.entry(key).or_insert_with(|| Value::Object(Map::new())) {
                insert(child, (*next).to_owned(), rest, value);
            }
        }
    }
}

/// Turns objects whose keys are 0, 1, 2, ... into arrays.
fn with_arrays(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let len = map.len();
    let is_array = len > 0 && (0..len).all(|index| map.contains_key(&index.to_string()));
    if is_array {
        let mut map = map;
        Value::Array((0..len).filter_map(|index| map.remove(&index.to_string())).map(with_arrays).collect())
    } else {
        Value::Object(map.into_iter().map(|(key, value)| (key, with_arrays(value))).collect())
    }
}

fn windows_1252_byte(c: char) -> u8 {
    match c {
        '€' => 0x80,
        '\u{80}'..='\u{9f}' => b'?',
        other => u8::try_from(other).unwrap_or(b'?'),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_become_objects_and_indexes_become_arrays() {
        let form = b"mode=payment&line_items[0][price_data][unit_amount]=900&line_items[1][quantity]=2&expand[]=a&expand[]=b.c&m[7]=x&u=%C3%A9";
        let expected = json!({
            "mode": "payment",
            "line_items": [{"price_data": {"unit_amount": "900"}}, {"quantity": "2"}],
            "expand": ["a", "b.c"],
            "m": {"7": "x"},
            "u": "é",
        });
        assert_eq!(parse_nested(form), expected);
    }

    #[test]
    fn contradicting_or_too_deep_keys_are_ignored() {
        assert_eq!(parse_nested(b"a=1&a[b]=2"), json!({"a": "1"}));
        assert_eq!(parse_nested(format!("a{}=1", "[b]".repeat(100_000)).as_bytes()), json!({}));
    }

    #[test]
    fn windows_1252_encodes_one_byte_per_character() {
        let fields = [("first_name", "José".to_owned()), ("memo", "5 € & 日".to_owned())];
        assert_eq!(encode_windows_1252(&fields), "first_name=Jos%E9&memo=5+%80+%26+%3F");
    }
}
