//! What people type, checked before anything is done with it. None of it can be printed by accident: no type here is `Debug`.

use runtime::http::Problem;

/// An email address, in lower case: the user pool tells no cases apart, so one person has one address here too.
pub(crate) struct Email(String);

/// A password.
pub(crate) struct Password(String);

/// A code that was sent by mail.
pub(crate) struct Code(String);

/// The user pool takes the address as a user name, which has 128 characters at most
/// ([SignUp](https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html)).
const EMAIL_LENGTH: usize = 128;
/// The longest part before the `@` ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.1)).
const LOCAL_PART_LENGTH: usize = 64;
/// The longest label of a domain ([RFC 1035](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)).
const LABEL_LENGTH: usize = 63;
/// The same as the user pool's policy in the template.
const PASSWORD_MINIMUM: usize = 12;
const PASSWORD_MAXIMUM: usize = 256;
const CODE_LENGTH: usize = 16;

impl Email {
    /// Takes a `Dot-string` at a `Domain` ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2)) of two labels
    /// or more. Quoted names, literal addresses and letters beyond ASCII are refused: the user pool cannot mail them.
    ///
    /// # Errors
    /// A 400 that names `email`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let parts = text.split_once('@').filter(|(local, domain)| is_local_part(local) && is_domain(domain));
        match parts {
            Some(_) if text.len() <= EMAIL_LENGTH => Ok(Self(text.to_ascii_lowercase())),
            _ => {
                let rule =
                    format!("must be an email address such as name@example.com, at most {EMAIL_LENGTH} characters");
                Err(Problem::invalid("email", rule))
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Password {
    /// A password that is being chosen: 12 to 256 characters, none of them a space or a control character, which the user
    /// pool refuses. Nothing else is asked of it ([NIST SP 800-63B](https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver)).
    ///
    /// # Errors
    /// A 400 that names `password`.
    pub(crate) fn choose(text: String) -> Result<Self, Problem> {
        let length = text.chars().count();
        if !(PASSWORD_MINIMUM..=PASSWORD_MAXIMUM).contains(&length) {
            let rule = format!("must be {PASSWORD_MINIMUM} to {PASSWORD_MAXIMUM} characters");
            return Err(Problem::invalid("password", rule));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Problem::invalid("password", "must not contain spaces or control characters"));
        }
        Ok(Self(text))
    }

    /// A password that was chosen before, perhaps under other rules.
    ///
    /// # Errors
    /// A 400 that names `password`, if nobody can have chosen it.
    pub(crate) fn recall(text: String) -> Result<Self, Problem> {
        if !(1..=PASSWORD_MAXIMUM).contains(&text.chars().count()) {
            return Err(Problem::invalid("password", format!("must be 1 to {PASSWORD_MAXIMUM} characters")));
        }
        Ok(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Code {
    /// # Errors
    /// A 400 that names `code`: the same that a wrong code gets.
    pub(crate) fn parse(text: String) -> Result<Self, Problem> {
        let good = (1..=CODE_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Self(text)) } else { Err(Self::refused()) }
    }

    /// The one answer to every code that does not help, whoever the address belongs to.
    pub(crate) fn refused() -> Problem {
        Problem::invalid("code", "must be the code that was last sent to this address, unused and not expired")
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
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

    fn check<T>(outcome: Result<T, Problem>, field: Option<&str>) {
        let found = outcome.err().map(|problem| (problem.status(), problem.fields()[0].field.clone()));
        assert_eq!(found, field.map(|field| (400, field.to_owned())));
    }

    #[test]
    fn an_ordinary_address_is_taken_in_lower_case() {
        assert_eq!(Email::parse("Ada.Lovelace+1@Example.Com").ok().unwrap().as_str(), "ada.lovelace+1@example.com");
        check(Email::parse("o'neil@mail.example.co.uk"), None);
        check(Email::parse("a@xn--bcher-kva.example"), None);
        check(Email::parse(&format!("{}@{}.example", "a".repeat(64), "b".repeat(55))), None);
    }

    #[test]
    fn what_mail_cannot_be_sent_to_is_refused_by_name() {
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
            check(Email::parse(text), Some("email"));
        }
    }

    #[test]
    fn a_password_is_chosen_by_length_alone() {
        check(Password::choose("correct-horse".to_owned()), None);
        check(Password::choose("é".repeat(12)), None);
        check(Password::choose("a".repeat(256)), None);
        for text in
            ["", "elevenchars", &"a".repeat(257), "twelve chars!", "tab\tin-a-password", "nul\u{0}in-a-password"]
        {
            check(Password::choose(text.to_owned()), Some("password"));
        }
    }

    #[test]
    fn a_password_of_older_rules_still_signs_in() {
        check(Password::recall("short".to_owned()), None);
        check(Password::recall(String::new()), Some("password"));
        check(Password::recall("a".repeat(257)), Some("password"));
    }

    #[test]
    fn a_code_that_cannot_be_one_is_answered_like_a_wrong_one() {
        check(Code::parse("123456".to_owned()), None);
        for text in ["", "12 34", "123456\n", &"1".repeat(17), "１２３"] {
            let problem = Code::parse(text.to_owned()).err().unwrap();
            assert_eq!(problem.fields(), Code::refused().fields());
        }
    }
}
