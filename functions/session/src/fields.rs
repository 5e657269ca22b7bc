//! What people type, checked before anything is done with it. None of it can be printed by accident: no type here is `Debug`.

use domain::accounts::email;
use runtime::http::Problem;

/// An email address, in lower case: the user pool tells no cases apart, so one person has one address here too.
pub(crate) struct Email(String);

/// A password.
pub(crate) struct Password(String);

/// A code that was sent by mail.
pub(crate) struct Code(String);

/// The same as the user pool's policy in the template.
const PASSWORD_MINIMUM: usize = 12;
const PASSWORD_MAXIMUM: usize = 256;
const CODE_LENGTH: usize = 16;

impl Email {
    /// Takes what the user pool can mail to.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(outcome: Result<T, Problem>, field: Option<&str>) {
        let found = outcome.err().map(|problem| (problem.status(), problem.fields()[0].field.clone()));
        assert_eq!(found, field.map(|field| (400, field.to_owned())));
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_name() {
        assert_eq!(Email::parse("Ada@Example.com").ok().unwrap().as_str(), "ada@example.com");
        check(Email::parse("ada"), Some("email"));
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
