//! Card numbers, which must never be kept ([ISO/IEC 7812](https://www.iso.org/standard/70484.html)).

use std::ops::RangeInclusive;

/// Digits of a card number.
const DIGITS: RangeInclusive<usize> = 13..=19;

/// The first six digits of the networks' card numbers: Mir, Mastercard, Diners Club, American Express, JCB, Diners Club and
/// American Express again, Visa, then Mastercard, Maestro, Discover and UnionPay, and UnionPay once more.
const PREFIXES: [RangeInclusive<u32>; 9] = [
    220_000..=220_499,
    222_100..=272_099,
    300_000..=305_999,
    340_000..=349_999,
    352_800..=358_999,
    360_000..=399_999,
    400_000..=499_999,
    500_000..=699_999,
    810_000..=819_999,
];

/// Whether the text has a card number in it: 13 to 19 digits, perhaps in groups with a space or a hyphen between, that begin
/// like a card of a network and end in the right check digit.
#[must_use]
pub(crate) fn any_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).any(|start| begins_group(bytes, start) && begins_card(bytes.get(start..).unwrap_or_default()))
}

/// A number begins where no digit stands before.
fn begins_group(bytes: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|index| bytes.get(index));
    bytes.get(start).is_some_and(u8::is_ascii_digit) && !before.is_some_and(u8::is_ascii_digit)
}

fn begins_card(bytes: &[u8]) -> bool {
    let mut digits = Vec::with_capacity(*DIGITS.end());
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'0'..=b'9' => digits.push(byte - b'0'),
            b' ' | b'-' if bytes.peek().is_some_and(u8::is_ascii_digit) => continue,
            _ => return false,
        }
        let ends_group = !bytes.peek().is_some_and(u8::is_ascii_digit);
        if digits.len() > *DIGITS.end() {
            return false;
        }
        if ends_group && DIGITS.contains(&digits.len()) && is_of_a_network(&digits) && has_check_digit(&digits) {
            return true;
        }
    }
    false
}

fn is_of_a_network(digits: &[u8]) -> bool {
    let first = digits.iter().take(6).fold(0, |number, digit| number * 10 + u32::from(*digit));
    PREFIXES.iter().any(|prefix| prefix.contains(&first))
}

/// The Luhn sum, annex B of the standard.
fn has_check_digit(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let each = digits.iter().rev().enumerate();
    let sum: u32 = each.map(|(place, digit)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit })).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// <https://docs.stripe.com/testing>
    const TEST_CARDS: [&str; 12] = [
        "4242424242424242",
        "4000056655665556",
        "5555555555554444",
        "2223003122003222",
        "5105105105105100",
        "378282246310005",
        "6011111111111117",
        "3056930009020004",
        "36227206271667",
        "3566002020360505",
        "6200000000000005",
        "6205500000000000004",
    ];

    fn grouped(card: &str, separator: &str) -> String {
        let groups: Vec<_> = card.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group)).collect();
        groups.join(separator)
    }

    #[test]
    fn p7_a_card_number_is_found_however_it_is_written() {
        for card in TEST_CARDS {
            for number in [card.to_owned(), grouped(card, " "), grouped(card, "-")] {
                for text in [
                    number.clone(),
                    format!("my card is {number}, thanks"),
                    format!("x{number}y"),
                    format!("1 {number} 2"),
                ] {
                    assert!(any_in(&text), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_card_number_is_left_alone() {
        for text in [
            "",
            "4242424242424241",
            "424242424242",
            "42424242424242424242",
            "1234567890123452",
            "2026-11-22T18:58:00Z",
            "+1 408-555-1234",
            "8MC585209K746392H",
            "4242  4242  4242  4242",
        ] {
            assert!(!any_in(text), "{text}");
        }
    }
}
