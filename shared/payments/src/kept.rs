//! What may be kept of a provider's text. A fact holds ids and one address, and nothing else can slip in as one of them.

use domain::PaymentId;

use crate::cards;

const EMAIL_BYTES: usize = 254;

/// An id of Stripe: `pi_3PgafyB7WZ01zgkW`.
pub(crate) fn stripe_id(text: &str) -> Option<String> {
    let (kind, rest) = text.split_once('_')?;
    let of_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
    let of_rest =
        (1..=250).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (of_kind && of_rest && !cards::any_in(text)).then(|| text.to_owned())
}

/// An id of PayPal: `8MC585209K746392H`, or `PP-D-27803` for a case.
pub(crate) fn paypal_id(text: &str) -> Option<String> {
    let of_id = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    ((1..=36).contains(&text.len()) && text.bytes().all(of_id) && !cards::any_in(text)).then(|| text.to_owned())
}

/// Our own id of a payment, as we write it.
pub(crate) fn payment_id(text: &str) -> Option<PaymentId> {
    text.parse().ok().filter(|id: &PaymentId| id.to_string() == text)
}

/// An address that mail can go to. Anything else is not kept at all.
pub(crate) fn email(text: &str) -> Option<String> {
    let (name, host) = text.rsplit_once('@')?;
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\"\\@".contains(c);
    let whole = !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    let fits = text.len() <= EMAIL_BYTES && name.chars().all(plain) && host.chars().all(plain);
    (whole && fits && !cards::any_in(text)).then(|| text.to_owned())
}

/// A country as two characters ([ISO 3166-1](https://www.iso.org/iso-3166-country-codes.html)).
pub(crate) fn country(text: &str) -> Option<String> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kept: fn(&str) -> Option<String>, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert_eq!(kept(text).as_deref(), Some(*text));
        }
        for text in no {
            assert_eq!(kept(text), None, "{text}");
        }
    }

    #[test]
    fn p7_only_what_looks_like_an_id_is_kept_as_one() {
        check(
            stripe_id,
            &["re_1Pgc72B7WZ01zgkWqPvrRrPE", "cs_test_a1YS1URlny", "issfr_1Pgc79"],
            &["", "re", "_x", "re_", "RE_1", "re-1", "re_1 2", "re_<b>", "4242424242424242", "pi_4242424242424242"],
        );
        check(
            paypal_id,
            &["8MC585209K746392H", "PP-D-27803", "PP-001-234-567-890"],
            &["", "abc", "A B", "4242-4242-4242-4242", "4242424242424242", "A\n"],
        );
    }

    #[test]
    fn p8_a_billing_email_is_an_address_or_is_not_kept() {
        check(
            email,
            &["a@b.example", "first.last+tag@mail.example.com", "jörg@bücher.example"],
            &[
                "",
                "a",
                "@b.example",
                "a@b",
                "a b@c.example",
                "a@b.example\r\nBcc: x@y.example",
                "4242424242424242@b.example",
            ],
        );
    }

    #[test]
    fn only_our_own_way_of_writing_an_id_is_ours() {
        let id = "4c1b4f34-8d0e-4f2c-9d63-3f1d2c5b6a79";
        assert_eq!(payment_id(id).unwrap().to_string(), id);
        for other in ["4c1b4f348d0e4f2c9d633f1d2c5b6a79", "{4c1b4f34-8d0e-4f2c-9d63-3f1d2c5b6a79}", "", "1"] {
            assert_eq!(payment_id(other), None, "{other}");
        }
    }

    #[test]
    fn p8_a_country_is_two_characters_or_is_not_kept() {
        check(country, &["DE", "US"], &["", "D", "de", "DEU", "D1", "Ä"]);
    }
}
