//! Validates the fields of requests. No type here is `Debug`, so no value can be logged by accident.

use domain::accounts::email;
use runtime::http::Problem;

/// Holds an email address in lower case, as the user pool ignores case.
pub(crate) struct Email(String);

/// Holds a password.
pub(crate) struct Password(String);

/// Holds a code that was sent by mail.
pub(crate) struct Code(String);

/// The same as in the policy of the user pool in `template.yaml`.
const MIN_PASSWORD_CHARACTERS: usize = 12;
const MAX_PASSWORD_CHARACTERS: usize = 256;
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
    /// Checks a new password: 12 to 256 characters, no spaces, no control characters, which the user pool refuses. There are
    /// no further rules ([NIST SP 800-63B](https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver)).
    ///
    /// # Errors
    /// A 400 that names `password`.
    pub(crate) fn new(text: String) -> Result<Self, Problem> {
        let length = text.chars().count();
        if !(MIN_PASSWORD_CHARACTERS..=MAX_PASSWORD_CHARACTERS).contains(&length) {
            let rule = format!("must be {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters");
            return Err(Problem::invalid("password", rule));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Problem::invalid("password", "must not contain spaces or control characters"));
        }
        Ok(Self(text))
    }

    /// Accepts an existing password, which may be older than the rules for new ones.
    ///
    /// # Errors
    /// A 400 that names `password`: it is empty or too long for any password.
    pub(crate) fn existing(text: String) -> Result<Self, Problem> {
        if !(1..=MAX_PASSWORD_CHARACTERS).contains(&text.chars().count()) {
            return Err(Problem::invalid("password", format!("must be 1 to {MAX_PASSWORD_CHARACTERS} characters")));
        }
        Ok(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Code {
    /// Parses a code.
    ///
    /// # Errors
    /// A 400 that names `code`, the same as for a wrong code.
    pub(crate) fn parse(text: String) -> Result<Self, Problem> {
        let is_code =
            (1..=MAX_CODE_CHARACTERS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_code { Ok(Self(text)) } else { Err(Self::refused()) }
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
    fn new_password_is_checked_by_length_alone() {
        check(Password::new("correct-horse".to_owned()), None);
        check(Password::new("é".repeat(12)), None);
        check(Password::new("a".repeat(256)), None);
        for text in
            ["", "elevenchars", &"a".repeat(257), "twelve chars!", "tab\tin-a-password", "nul\u{0}in-a-password"]
        {
            check(Password::new(text.to_owned()), Some("password"));
        }
    }

    #[test]
    fn password_of_older_rules_still_signs_in() {
        check(Password::existing("short".to_owned()), None);
        check(Password::existing(String::new()), Some("password"));
        check(Password::existing("a".repeat(257)), Some("password"));
    }

    #[test]
    fn malformed_code_is_answered_like_a_wrong_one() {
        check(Code::parse("123456".to_owned()), None);
        for text in ["", "12 34", "123456\n", &"1".repeat(17), "１２３"] {
            let problem = Code::parse(text.to_owned()).err().unwrap();
            assert_eq!(problem.fields(), Code::refused().fields());
        }
    }
}
