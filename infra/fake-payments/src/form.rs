//! Forms, as Stripe reads them and as PayPal writes them.

use serde_json::{Map, Value};

/// Deeper keys than Stripe has are left out.
const DEPTH: usize = 8;

/// `a[b][0]=c` as `{"a": {"b": ["c"]}}`: the way Stripe writes nested parameters. Every value is text.
pub(crate) fn nested(form: &[u8]) -> Value {
    let mut root = Map::new();
    for (key, value) in form_urlencoded::parse(form) {
        let mut path = key.split('[').map(|part| part.strip_suffix(']').unwrap_or(part));
        let first = path.next().unwrap_or_default().to_owned();
        let rest: Vec<&str> = path.collect();
        if rest.len() < DEPTH {
            put(&mut root, first, &rest, value.into_owned());
        }
    }
    arrays(Value::Object(root))
}

/// Fields in windows-1252, as PayPal sends them unless the merchant chose otherwise. What that cannot say becomes `?`.
pub(crate) fn windows_1252(fields: &[(&str, String)]) -> String {
    let encoded = fields.iter().map(|(name, value)| {
        let bytes: Vec<u8> = value.chars().map(windows_1252_byte).collect();
        format!("{name}={}", form_urlencoded::byte_serialize(&bytes).collect::<String>())
    });
    encoded.collect::<Vec<_>>().join("&")
}

fn put(node: &mut Map<String, Value>, key: String, rest: &[&str], value: String) {
    let key = if key.is_empty() { node.len().to_string() } else { key };
    match rest.split_first() {
        None => {
            node.insert(key, Value::String(value));
        }
        Some((next, rest)) => {
            if let Value::Object(child) = node.entry(key).or_insert_with(|| Value::Object(Map::new())) {
                put(child, (*next).to_owned(), rest, value);
            }
        }
    }
}

/// Objects whose keys count from 0 are arrays.
fn arrays(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let len = map.len();
    let counted = len > 0 && (0..len).all(|index| map.contains_key(&index.to_string()));
    if counted {
        let mut map = map;
        Value::Array((0..len).filter_map(|index| map.remove(&index.to_string())).map(arrays).collect())
    } else {
        Value::Object(map.into_iter().map(|(key, value)| (key, arrays(value))).collect())
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
    fn brackets_nest_and_numbers_count() {
        let form = b"mode=payment&line_items[0][price_data][unit_amount]=900&line_items[1][quantity]=2&expand[]=a&expand[]=b.c&m[7]=x&u=%C3%A9";
        let expected = json!({
            "mode": "payment",
            "line_items": [{"price_data": {"unit_amount": "900"}}, {"quantity": "2"}],
            "expand": ["a", "b.c"],
            "m": {"7": "x"},
            "u": "é",
        });
        assert_eq!(nested(form), expected);
    }

    #[test]
    fn keys_that_contradict_each_other_or_never_end_are_left_out() {
        assert_eq!(nested(b"a=1&a[b]=2"), json!({"a": "1"}));
        assert_eq!(nested(format!("a{}=1", "[b]".repeat(100_000)).as_bytes()), json!({}));
    }

    #[test]
    fn a_name_is_one_byte_for_each_letter() {
        let fields = [("first_name", "José".to_owned()), ("memo", "5 € & 日".to_owned())];
        assert_eq!(windows_1252(&fields), "first_name=Jos%E9&memo=5+%80+%26+%3F");
    }
}
