//! Reports: messages that an image or a video that others can see is illegal or breaks the terms.
//!
//! Everyone can report, without an account. A report is stored in the partition of no account, under a keyed hash of the
//! address of its reporter, and names the [case](crate::moderation::case) that it belongs to. It is erased with an account that
//! has the address, and expires. The owner of what is reported never learns who reported it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{email, preferences::Language},
    ids::{AccountId, CaseId, GenerationId, ReportId},
    refusal::{FieldError, Refusal, check_text},
    registry::{DataFields, REPORT_DAYS},
};

/// The purpose of the keyed hash of an address.
pub const REPORTER: &str = "reporter";
/// The purpose that the reference to an output in a view of it is sealed for.
pub const REFERENCE: &str = "report";
/// Reports from one address in a day.
pub const PER_DAY: u64 = 20;
/// Longest signature of a reporter, in characters.
const SIGNATURE_CHARACTERS: usize = 120;

/// What a report says of an image or a video. The order is that of the gravity.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// It breaks the terms of the service in another way.
    Terms,
    /// It is illegal in another way (Digital Services Act, Article 16).
    Illegal,
    /// It infringes a copyright or a trademark (Digital Services Act, Article 16; 17 U.S.C. § 512).
    IntellectualProperty,
    /// It deceives about a real person or event (AI Act, Article 50(4)).
    Deceptive,
    /// It shows personal data or the likeness of a person who did not agree (GDPR, Article 17).
    Privacy,
    /// It harasses or threatens a person (Digital Services Act, Article 16).
    Harassment,
    /// It incites hatred or glorifies violence or terrorism (Digital Services Act, Article 16).
    Hate,
    /// It threatens the life of a person (Digital Services Act, Article 18).
    Threat,
    /// It is sexually explicit, which the terms forbid.
    Explicit,
    /// It shows an identifiable person naked or in a sexual act, real or generated, without consent (TAKE IT DOWN Act;
    /// AI Act, Article 5).
    IntimateImage,
    /// It sexualizes a minor (18 U.S.C. § 2258A; AI Act, Article 5).
    SexualMinors,
}

/// Every reason.
pub const REASONS: [ReportReason; 11] = [
    ReportReason::Terms,
    ReportReason::Illegal,
    ReportReason::IntellectualProperty,
    ReportReason::Deceptive,
    ReportReason::Privacy,
    ReportReason::Harassment,
    ReportReason::Hate,
    ReportReason::Threat,
    ReportReason::Explicit,
    ReportReason::IntimateImage,
    ReportReason::SexualMinors,
];

impl ReportReason {
    /// Returns its name, as the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Illegal => "illegal",
            Self::IntellectualProperty => "intellectual_property",
            Self::Deceptive => "deceptive",
            Self::Privacy => "privacy",
            Self::Harassment => "harassment",
            Self::Hate => "hate",
            Self::Threat => "threat",
            Self::Explicit => "explicit",
            Self::IntimateImage => "intimate_image",
            Self::SexualMinors => "sexual_minors",
        }
    }

    /// Returns the time in which a case must be decided. For intimate images the TAKE IT DOWN Act sets 48 hours
    /// (<https://www.congress.gov/bill/119th-congress/senate-bill/146>).
    #[must_use]
    pub const fn decided_within(self) -> SignedDuration {
        match self {
            Self::SexualMinors | Self::Threat => SignedDuration::from_hours(24),
            Self::IntimateImage => SignedDuration::from_hours(48),
            _ => SignedDuration::from_hours(7 * 24),
        }
    }

    /// Says whether a report with it hides the image or the video at once, until a staff member has decided.
    #[must_use]
    pub const fn hides_at_once(self) -> bool {
        matches!(self, Self::SexualMinors | Self::IntimateImage)
    }

    /// Says whether what is removed for it is put on the blocklist, so that copies of it are found.
    #[must_use]
    pub const fn blocks_copies(self) -> bool {
        self.hides_at_once()
    }

    /// Says whether the law asks to preserve for a year what is removed for it (18 U.S.C. § 2258A(h)).
    #[must_use]
    pub const fn preserves_evidence(self) -> bool {
        matches!(self, Self::SexualMinors)
    }

    /// Says whether the reporter must sign with a name: those who ask for a removal under the TAKE IT DOWN Act or for a copyright.
    #[must_use]
    pub const fn needs_signature(self) -> bool {
        matches!(self, Self::IntimateImage | Self::IntellectualProperty)
    }

    /// Says whether it can be reported without an address. The Digital Services Act asks for none where minors are abused
    /// (Article 16(2)(c)).
    #[must_use]
    pub const fn needs_email(self) -> bool {
        !matches!(self, Self::SexualMinors)
    }
}

/// The output that a report is about. Views of what others can see contain it, sealed, so that a report can name an output
/// without its account being known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputReference {
    /// The account.
    pub account: AccountId,
    /// The generation.
    pub generation: GenerationId,
    /// The number of the output.
    pub output: u32,
}

/// What a reporter sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    /// What is wrong.
    pub reason: ReportReason,
    /// Why, and where the law is named.
    pub explanation: String,
    /// The full name of the reporter, as their signature.
    pub signature: Option<String>,
    /// The address for the answer.
    pub email: Option<String>,
    /// Whether the reporter states in good faith that the report is accurate.
    pub good_faith: bool,
    /// The language of the answer.
    pub language: Language,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Report {
    /// Its id.
    #[data(plain)]
    pub id: ReportId,
    /// The keyed hash of the address, or of the id if there is no address, under which it is stored.
    #[data(plain)]
    pub reporter: String,
    /// The case that it belongs to.
    #[data(plain)]
    pub case: CaseId,
    /// What is wrong.
    #[data(plain)]
    pub reason: ReportReason,
    /// Why.
    #[data(personal)]
    pub explanation: String,
    /// The full name of the reporter, as their signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub signature: Option<String>,
    /// The address for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub email: Option<String>,
    /// The language of the answer.
    #[data(plain)]
    pub language: Language,
    /// When it arrived.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When what it is about was deleted with its account, before a decision. Its reporter is still to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub gone_at: Option<Timestamp>,
}

impl NewReport {
    /// Checks the report, and normalizes its address.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that breaks a rule.
    pub fn checked(self) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        errors.extend(crate::generations::settings::check_text("explanation", &self.explanation));
        match &self.signature {
            Some(name) => errors.extend(check_text("signature", name, SIGNATURE_CHARACTERS)),
            None if self.reason.needs_signature() => {
                errors.push(FieldError::new("signature", "required for this reason: your full name"));
            }
            None => {}
        }
        let email = self.email.as_deref().and_then(email::normalize);
        if self.email.is_some() && email.is_none() {
            errors.push(FieldError::new("email", email::EMAIL_RULE));
        } else if email.is_none() && self.reason.needs_email() {
            errors.push(FieldError::new("email", "required for this reason: the answer is sent there"));
        }
        if !self.good_faith {
            errors.push(FieldError::new("good_faith", "must be true: state that the report is accurate"));
        }
        if errors.is_empty() { Ok(Self { email, ..self }) } else { Err(Refusal::Invalid(errors)) }
    }
}

impl Report {
    /// Files a checked report. `reporter` is the keyed hash of its address, or of its id if it has none.
    #[must_use]
    pub fn file(new: NewReport, (id, reporter, case): (ReportId, String, CaseId), now: Timestamp) -> Self {
        let NewReport { reason, explanation, signature, email, language, .. } = new;
        Self { id, reporter, case, reason, explanation, signature, email, language, created_at: now, gone_at: None }
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + SignedDuration::from_hours(24 * i64::from(REPORT_DAYS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(reason: ReportReason) -> NewReport {
        NewReport {
            reason,
            explanation: "It shows my house.".to_owned(),
            signature: Some("Ada Lovelace".to_owned()),
            email: Some("Ada@Example.com".to_owned()),
            good_faith: true,
            language: Language::English,
        }
    }

    fn fields(report: NewReport) -> Vec<std::borrow::Cow<'static, str>> {
        match report.checked() {
            Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn report_names_each_field_that_is_missing() {
        for reason in REASONS {
            let checked = new(reason).checked().unwrap();
            assert_eq!(checked.email.as_deref(), Some(email::normalize("Ada@Example.com").unwrap().as_str()));
            let anonymous = NewReport { signature: None, email: None, ..new(reason) };
            match reason {
                ReportReason::SexualMinors => assert!(anonymous.checked().is_ok()),
                ReportReason::IntimateImage | ReportReason::IntellectualProperty => {
                    assert_eq!(fields(anonymous), ["signature", "email"], "{reason:?}");
                }
                _ => assert_eq!(fields(anonymous), ["email"], "{reason:?}"),
            }
        }
        let wrong = NewReport {
            explanation: " ".to_owned(),
            signature: Some(String::new()),
            email: Some("ada".to_owned()),
            good_faith: false,
            ..new(ReportReason::Terms)
        };
        assert_eq!(fields(wrong), ["explanation", "signature", "email", "good_faith"]);
    }

    #[test]
    fn gravest_reasons_have_the_shortest_clocks() {
        for pair in REASONS.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        assert_eq!(ReportReason::IntimateImage.decided_within(), SignedDuration::from_hours(48));
        let hiding: Vec<_> = REASONS.into_iter().filter(|reason| reason.hides_at_once()).collect();
        assert_eq!(hiding, [ReportReason::IntimateImage, ReportReason::SexualMinors]);
    }
}
