//! Email addresses: what may be one, and how one is changed.
//!
//! A change is asked for, confirmed with a code from each of both addresses, and then carried out: the user pool first,
//! since that is what signs in, the account second. From the confirmation on it is carried out to its end, whoever dies.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Refusal, accounts::account::Account};

/// Longest address, in characters: the user pool takes it as a user name
/// ([SignUp](https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html)).
pub const LENGTH: usize = 128;
/// The longest part before the `@` ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.1)).
const LOCAL_PART_LENGTH: usize = 64;
/// The longest label of a domain ([RFC 1035](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)).
const LABEL_LENGTH: usize = 63;
/// What an address must be, in words for the client.
pub const EMAIL_RULE: &str = "must be an email address such as name@example.com, at most 128 characters";

/// The address in lower case, as the user pool tells no cases apart, if it is a `Dot-string` at a `Domain`
/// ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2)) of two labels or more. Quoted names, literal
/// addresses and letters beyond ASCII are none: they cannot be mailed to.
#[must_use]
pub fn normalize(text: &str) -> Option<String> {
    let parts = text.split_once('@').filter(|(local, domain)| is_local_part(local) && is_domain(domain));
    (parts.is_some() && text.len() <= LENGTH).then(|| text.to_ascii_lowercase())
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

/// Minutes that both codes live.
pub const CODE_MINUTES: i64 = 15;
/// Wrong codes after which the right ones are too late.
pub const MAX_CODE_ATTEMPTS: u32 = 5;
/// Seconds after which a change that was confirmed and not carried out is taken up by somebody else.
const UNFINISHED_S: i64 = 60;

/// The change of the address that signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EmailChange {
    /// Whose.
    pub account: AccountId,
    /// The address that it is to be.
    pub to: String,
    /// How far it is.
    pub stage: EmailChangeStage,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it is over, or, once it is confirmed, when it is taken up again unless it is carried out.
    pub next_at: Timestamp,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

/// How far a change is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum EmailChangeStage {
    /// A code was sent to each address.
    Requested {
        /// The keyed hash of the one that went to the present address.
        present: String,
        /// The keyed hash of the one that went to the new address.
        new: String,
        /// How often codes came that were wrong.
        tries: u32,
    },
    /// Both codes came back. The address is not changed yet, or only in the user pool.
    Confirmed,
    /// It is changed. What is left is to end the sessions, and to tell the address that it was.
    Changed {
        /// That address.
        from: String,
    },
}

/// What came of two codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// They are right, or it was confirmed before: carry it out. This is to be written first.
    Confirmed(EmailChange),
    /// They are wrong. This is to be written first.
    Wrong(EmailChange),
    /// They are too late, or there were too many wrong ones before.
    Expired,
}

impl EmailChange {
    /// A change that replaces the one before. `present` and `new` are keyed hashes of what is sent to either address.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if it is the address already, [`Refusal::AccountStatus`] if the account is being deleted,
    /// [`Refusal::Conflict`] if the change before is confirmed and being carried out.
    pub fn request(
        account: &Account,
        before: Option<&Self>,
        to: String,
        (present, new): (String, String),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if account.deletion.is_some() {
            return Err(Refusal::AccountStatus(account.status()));
        }
        if account.email == to {
            return Err(Refusal::invalid("email", "another address than the present one"));
        }
        if before.is_some_and(|before| !matches!(before.stage, EmailChangeStage::Requested { .. })) {
            return Err(Refusal::Conflict("the address is being changed: try again in a minute"));
        }
        Ok(Self {
            account: account.id,
            to,
            stage: EmailChangeStage::Requested { present, new, tries: 0 },
            requested_at: now,
            next_at: now + SignedDuration::from_mins(CODE_MINUTES),
            version: before.map_or(1, |before| before.version + 1),
        })
    }

    /// What comes of these codes, given as their keyed hashes.
    #[must_use]
    pub fn confirm(&self, (given_present, given_new): (&str, &str), now: Timestamp) -> CodeCheck {
        let EmailChangeStage::Requested { present, new, tries } = &self.stage else {
            return CodeCheck::Confirmed(self.claimed(now));
        };
        if self.next_at <= now || *tries >= MAX_CODE_ATTEMPTS {
            return CodeCheck::Expired;
        }
        // Keyed hashes: how long they take to compare says nothing about the codes.
        if present == given_present && new == given_new {
            return CodeCheck::Confirmed(Self { stage: EmailChangeStage::Confirmed, ..self.claimed(now) });
        }
        let stage = EmailChangeStage::Requested { present: present.clone(), new: new.clone(), tries: tries + 1 };
        CodeCheck::Wrong(Self { stage, ..self.next_version() })
    }

    /// The change with somebody at work on it, for a minute.
    #[must_use]
    pub fn claimed(&self, now: Timestamp) -> Self {
        Self { next_at: now + SignedDuration::from_secs(UNFINISHED_S), ..self.next_version() }
    }

    /// The account with its new address, which the user pool has by now, and the change with what is left of it.
    #[must_use]
    pub fn complete(&self, account: &Account) -> (Account, Self) {
        let changed = Account { email: self.to.clone(), ..account.next_version() };
        (changed, Self { stage: EmailChangeStage::Changed { from: account.email.clone() }, ..self.next_version() })
    }

    fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn account() -> Account {
        let nobody = uuid::Uuid::nil();
        Account::open(nobody.into(), "ada@example.com".to_owned(), crate::Credits(0), nobody.into(), at(0)).0
    }

    fn asked() -> EmailChange {
        let hashes = ("p".to_owned(), "n".to_owned());
        EmailChange::request(&account(), None, "ada@example.org".to_owned(), hashes, at(0)).unwrap()
    }

    #[test]
    fn an_ordinary_address_is_one_in_lower_case() {
        assert_eq!(normalize("Ada.Lovelace+1@Example.Com").unwrap(), "ada.lovelace+1@example.com");
        assert!(normalize("o'neil@mail.example.co.uk").is_some());
        assert!(normalize("a@xn--bcher-kva.example").is_some());
        assert!(normalize(&format!("{}@{}.example", "a".repeat(64), "b".repeat(55))).is_some());
    }

    #[test]
    fn what_mail_cannot_be_sent_to_is_none() {
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

    #[test]
    fn both_codes_are_needed_and_five_wrong_ones_are_too_many() {
        let mut change = asked();
        for _ in 0..MAX_CODE_ATTEMPTS {
            let CodeCheck::Wrong(next) = change.confirm(("p", "p"), at(1)) else { panic!("not wrong") };
            change = next;
        }
        assert_eq!(change.confirm(("p", "n"), at(1)), CodeCheck::Expired);
        let CodeCheck::Confirmed(confirmed) = asked().confirm(("p", "n"), at(899)) else { panic!("not confirmed") };
        assert_eq!((confirmed.stage, confirmed.next_at), (EmailChangeStage::Confirmed, at(959)));
        assert_eq!(asked().confirm(("p", "n"), at(900)), CodeCheck::Expired);
    }

    #[test]
    fn what_is_confirmed_is_carried_out_whatever_is_said_afterwards() {
        let CodeCheck::Confirmed(confirmed) = asked().confirm(("p", "n"), at(1)) else { panic!("not confirmed") };
        assert!(matches!(confirmed.confirm(("", ""), at(9_999)), CodeCheck::Confirmed(_)));
        let hashes = ("p".to_owned(), "n".to_owned());
        let again = EmailChange::request(&account(), Some(&confirmed), "eve@example.org".to_owned(), hashes, at(2));
        assert!(matches!(again, Err(Refusal::Conflict(_))));
        let (changed, change) = confirmed.complete(&account());
        assert_eq!(changed.email, "ada@example.org");
        assert_eq!(change.stage, EmailChangeStage::Changed { from: "ada@example.com".to_owned() });
    }
}
