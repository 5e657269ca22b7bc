//! Email addresses: which texts are accepted as one.

/// Longest address, in characters: the user pool takes it as a user name
/// ([SignUp](https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html)).
pub const LENGTH: usize = 128;
/// The longest part before the `@` ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.1)).
const LOCAL_PART_LENGTH: usize = 64;
/// The longest label of a domain ([RFC 1035](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)).
const LABEL_LENGTH: usize = 63;
/// The rule for an address, for the client.
pub const EMAIL_RULE: &str = "must be an email address such as name@example.com, at most 128 characters";

/// Returns the address in lower case, as the user pool ignores case. Accepts a `Dot-string` at a `Domain`
/// ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2)) of two labels or more. Refuses quoted names, literal
/// addresses and characters beyond ASCII: mail to them is not delivered.
#[must_use]
pub fn normalize(text: &str) -> Option<String> {
    let parts = text.split_once('@').filter(|(local, domain)| is_local_part(local) && is_domain(domain));
    (parts.is_some() && text.len() <= LENGTH).then(|| text.to_ascii_lowercase())
}

/// Returns the mailbox that an address delivers to, as far as that is known: in lower case, without a tag after `+`, and for
/// [Gmail](https://support.google.com/mail/answer/7436150) and
/// [Proton](https://proton.me/support/addresses-and-aliases) without what they ignore, under one domain.
#[must_use]
pub fn mailbox(email: &str) -> String {
    let email = email.to_ascii_lowercase();
    let (local, domain) = email.split_once('@').unwrap_or((email.as_str(), ""));
    let local = local.split_once('+').map_or(local, |(name, _)| name);
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", local.replace('.', "")),
        "proton.me" | "protonmail.com" | "pm.me" => format!("{}@proton.me", local.replace(['.', '-', '_'], "")),
        _ => format!("{local}@{domain}"),
    }
}

fn is_local_part(text: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    text.len() <= LOCAL_PART_LENGTH && text.split('.').all(is_atom)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_LENGTH).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_normalized_to_lower_case() {
        assert_eq!(normalize("Ada.Lovelace+1@Example.Com").unwrap(), "ada.lovelace+1@example.com");
        assert!(normalize("o'neil@mail.example.co.uk").is_some());
        assert!(normalize("a@xn--bcher-kva.example").is_some());
        assert!(normalize(&format!("{}@{}.example", "a".repeat(64), "b".repeat(55))).is_some());
    }

    #[test]
    fn addresses_of_one_mailbox_are_one() {
        for (address, expected) in [
            ("ada@example.com", "ada@example.com"),
            ("ada+1@example.com", "ada@example.com"),
            ("ada.lovelace+x+y@example.com", "ada.lovelace@example.com"),
            ("a.d.a+1@gmail.com", "ada@gmail.com"),
            ("ada@googlemail.com", "ada@gmail.com"),
            ("Ada.L@Example.com", "ada.l@example.com"),
            ("a-d_a.l+1@pm.me", "adal@proton.me"),
        ] {
            assert_eq!(mailbox(address), expected);
        }
    }

    #[test]
    fn address_that_cannot_receive_mail_is_refused() {
        let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(56));
        let long_name = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a@@b.c",
            "a@b@c.d",
            "a b@c.d",
            " a@b.c",
            "a@b.c ",
            "a@b.c\n",
            "a\u{0}@b.c",
            ".a@b.c",
            "a.@b.c",
            "a..b@c.d",
            "a@.b.c",
            "a@b..c",
            "a@b.c.",
            "a@-b.c",
            "a@b-.c",
            "\"a\"@b.c",
            "a@[192.0.2.1]",
            "é@b.c",
            "a@é.c",
            "<a@b.c>",
            "a,b@c.d",
            &long,
            &long_name,
        ] {
            assert_eq!(normalize(text), None, "{text}");
        }
    }
}
