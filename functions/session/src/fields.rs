//! Validates the fields of requests. No type here is `Debug`, so no value can be logged by accident.

use domain::accounts::{email, password};
use runtime::http::Problem;

/// Holds an email address in lower case, as the user pool ignores case.
pub(crate) struct Email(String);

/// Holds a password.
pub(crate) struct Password(String);

/// Holds a code that was sent by mail, or one of a second factor.
pub(crate) struct Code(String);

const MAX_CODE_CHARACTERS: usize = 16;

impl Email {
    /// Parses an address that the user pool can send mail to.
    ///
    /// # Errors
    /// A 400 that names `email`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        email::normalize(text).map(Self).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Password {
    /// Checks a new password for the user with this address.
    ///
    /// # Errors
    /// A 400 that names `password`.
    pub(crate) fn new(text: String, email: &Email) -> Result<Self, Problem> {
        match password::check(&text, email.as_str()) {
            Ok(()) => Ok(Self(text)),
            Err(weak) => Err(Problem::invalid("password", weak.rule())),
        }
    }

    /// Accepts an existing password, which may be older than the rules for new ones.
    ///
    /// # Errors
    /// A 400 that names `password`: it is empty or too long for any password.
    pub(crate) fn existing(text: String) -> Result<Self, Problem> {
        if !(1..=password::MAX_CHARACTERS).contains(&text.chars().count()) {
            let rule = format!("must be 1 to {} characters", password::MAX_CHARACTERS);
            return Err(Problem::invalid("password", rule));
        }
        Ok(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Code {
    /// Parses a code. Ignores spaces and hyphens, with which people group digits and mail programs copy them.
    ///
    /// # Errors
    /// A 400 that names `code`, the same as for a wrong code.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let code: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let is_code =
            (1..=MAX_CODE_CHARACTERS).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
        if is_code { Ok(Self(code)) } else { Err(Self::refused()) }
    }

    /// Returns the problem for every code that is not accepted, the same for known and unknown addresses.
    pub(crate) fn refused() -> Problem {
        Problem::invalid("code", "must be the code that was last sent to this address, unused and not expired")
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(outcome: Result<T, Problem>, field: Option<&str>) {
        let found = outcome.err().map(|problem| (problem.status(), problem.fields()[0].field.clone()));
        assert_eq!(found, field.map(|field| (400, field.to_owned())));
    }

    #[test]
    fn malformed_address_is_refused_by_field() {
        assert_eq!(Email::parse("Ada@Example.com").ok().unwrap().as_str(), "ada@example.com");
        check(Email::parse("ada"), Some("email"));
    }

    #[test]
    fn guessable_password_is_refused_by_field() {
        let email = Email::parse("ada.lovelace@example.com").ok().unwrap();
        check(Password::new("correct-horse".to_owned(), &email), None);
        for text in ["short", "aaaaaaaaaaaa", "ada.lovelace"] {
            check(Password::new(text.to_owned(), &email), Some("password"));
        }
    }

    #[test]
    fn password_of_older_rules_still_signs_in() {
        check(Password::existing("short".to_owned()), None);
        check(Password::existing(String::new()), Some("password"));
        check(Password::existing("a".repeat(257)), Some("password"));
    }

    #[test]
    fn code_is_read_however_its_digits_are_grouped() {
        for text in ["123456", "123 456", " 123456\n", "123-456", "123\u{a0}456"] {
            assert_eq!(Code::parse(text).ok().unwrap().as_str(), "123456", "{text}");
        }
    }

    #[test]
    fn malformed_code_is_answered_like_a_wrong_one() {
        for text in ["", " ", "12\u{0}34", &"1".repeat(17), "１２３"] {
            let problem = Code::parse(text).err().unwrap();
            assert_eq!(problem.fields(), Code::refused().fields());
        }
    }
}
