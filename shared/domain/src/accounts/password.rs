//! Passwords: which ones are accepted as new.

use std::collections::BTreeSet;

/// The fewest characters, as in the policy of the user pool in `template.yaml`.
pub const MIN_CHARACTERS: usize = 12;
/// The most characters.
pub const MAX_CHARACTERS: usize = 256;
/// The fewest different characters.
const MIN_DIFFERENT: usize = 5;

/// Passwords of twelve characters and more that are tried first when an account is attacked, in lower case and without the
/// ones that another rule refuses.
const COMMON: [&str; 31] = [
    "123456qwerty",
    "123qweasdzxc",
    "12qwaszx34er",
    "administrator",
    "administrator1",
    "changeme1234",
    "changemenow1",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "iloveyouforever",
    "jesuschrist1",
    "letmein12345",
    "letmeinplease",
    "manchesterunited",
    "passw0rd1234",
    "password!123",
    "password1234",
    "password12345",
    "password123456",
    "p@ssw0rd1234",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwertyqwerty1",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "q1w2e3r4t5y6",
    "rangers12345",
    "sunshine1234",
    "superman1234",
    "welcome12345",
    "zaq12wsxcde3",
];

/// What follows each other on a keyboard or in the alphabet.
const SEQUENCES: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
];

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakPassword {
    /// It has too few or too many characters.
    Length,
    /// It begins or ends with a space, or has other white space or control characters, which the user pool refuses.
    Characters,
    /// It is among the first that are tried: a common one, a repetition, a sequence, or the email address.
    Guessable,
}

impl WeakPassword {
    /// Returns the rule that the password breaks, for the client.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Length => "must be 12 to 256 characters",
            Self::Characters => {
                "must not begin or end with a space, nor contain tabs, line breaks or control characters"
            }
            Self::Guessable => "must not be easy to guess: no common password, repetition, sequence or email address",
        }
    }
}

/// Checks a new password for the account with this address. Requires no kinds of characters
/// ([NIST SP 800-63B](https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver)).
///
/// # Errors
/// [`WeakPassword`].
pub fn check(password: &str, email: &str) -> Result<(), WeakPassword> {
    if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&password.chars().count()) {
        return Err(WeakPassword::Length);
    }
    // The user pool takes what matches `^[\S]+.*[\S]+$`, with a space as a special character
    // (https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html).
    let is_spaced = password.starts_with(' ') || password.ends_with(' ');
    if is_spaced || password.chars().any(|c| c.is_control() || (c != ' ' && c.is_whitespace())) {
        return Err(WeakPassword::Characters);
    }
    let lower: Vec<char> = password.to_lowercase().chars().collect();
    let text: String = lower.iter().collect();
    let different = lower.iter().collect::<BTreeSet<_>>().len();
    let is_guessable = different < MIN_DIFFERENT
        || is_repetition(&lower)
        || SEQUENCES.iter().any(|sequence| is_in_sequence(&text, sequence))
        || COMMON.contains(&text.as_str())
        || is_of_address(&text, email);
    if is_guessable { Err(WeakPassword::Guessable) } else { Ok(()) }
}

/// Says whether the text is one part again and again; the last part may be cut off.
fn is_repetition(text: &[char]) -> bool {
    (1..=text.len() / 2).any(|period| text.iter().skip(period).eq(text.iter().take(text.len() - period)))
}

/// Says whether the text is part of a sequence, forwards or backwards.
fn is_in_sequence(text: &str, sequence: &str) -> bool {
    sequence.contains(text) || sequence.chars().rev().collect::<String>().contains(text)
}

/// Says whether the text is the address or the part before the `@`.
fn is_of_address(text: &str, email: &str) -> bool {
    let email = email.to_lowercase();
    text == email || email.split_once('@').is_some_and(|(local, _)| text == local)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "ada.lovelace@example.com";

    #[test]
    fn password_is_checked_by_length_and_characters() {
        for good in ["correct-horse", "éàüöçñßæøåþð", "x7-Pq2!mv_Zt", "correct horse battery staple"] {
            assert_eq!(check(good, EMAIL), Ok(()), "{good}");
        }
        for text in ["", "elevenchars", &"abcdefgh-x".repeat(26)] {
            assert_eq!(check(text, EMAIL), Err(WeakPassword::Length), "{text}");
        }
        for text in
            [" twelve chars!", "twelve chars! ", "tab\tin-a-password", "nul\u{0}in-a-password", "no\u{a0}break space"]
        {
            assert_eq!(check(text, EMAIL), Err(WeakPassword::Characters), "{text}");
        }
    }

    #[test]
    fn guessable_password_is_refused() {
        for text in [
            "aaaaaaaaaaaa",
            "abababababab",
            "121212121212",
            "passwordpassword",
            "PasswordPassword",
            "horse-horse-horse-h",
            "123456789012",
            "abcdefghijklm",
            "zyxwvutsrqpon",
            "qwertyuiopasdf",
            "password1234",
            "Password1234",
            "ada.lovelace@example.com",
            "Ada.Lovelace",
        ] {
            assert_eq!(check(text, EMAIL), Err(WeakPassword::Guessable), "{text}");
        }
    }

    #[test]
    fn password_of_few_different_characters_is_guessable() {
        assert_eq!(check("aabababbaaab", "ada@example.com"), Err(WeakPassword::Guessable));
    }

    #[test]
    fn common_passwords_are_not_refused_by_another_rule() {
        for text in COMMON {
            let others = is_repetition(&text.chars().collect::<Vec<_>>())
                || SEQUENCES.iter().any(|sequence| is_in_sequence(text, sequence));
            assert!(!others && text.len() >= MIN_CHARACTERS && text == text.to_lowercase(), "{text}");
        }
    }
}
