//! The mails of the service: one template for each mail and language, with a subject and a plain-text body.

use domain::{accounts::preferences::Language, moderation::case::DecisionAction, staff::role::Role};
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

/// The line of a template that holds the subject begins with this. An empty line and the body follow.
const SUBJECT: &str = "Subject: ";

/// Identifies a mail, and holds what its template needs.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Message<'a> {
    /// Sends the code for the current address to an account owner who changes the address.
    EmailChangeCurrent {
        /// The code.
        code: &'a str,
        /// Minutes until the code expires.
        minutes: i64,
    },
    /// Sends the code for the new address.
    EmailChangeNew {
        /// The code.
        code: &'a str,
        /// Minutes until the code expires.
        minutes: i64,
    },
    /// Tells the old address that another one signs in.
    EmailChanged {},
    /// Tells an account owner that staff requested the deletion of the account, as a person asked for it in writing.
    DeletionRequested {
        /// Days until the erasure begins.
        days: i64,
    },
    /// Invites the owner of an address to a role of staff.
    StaffInvitation {
        /// The role.
        role: Role,
        /// Days until the invitation expires.
        days: i64,
        /// The address of the web client.
        origin: &'a str,
    },
    /// Tells an account owner that a staff member replied. The reply itself is shown in the web client only.
    TicketReplied {},
    /// Sends a reply to the owner of an account whose ticket came by mail.
    TicketReply {
        /// The reply of the staff member.
        reply: &'a str,
        /// The subject of the ticket.
        subject: &'a str,
    },
    /// Tells an account owner that an image or a video was hidden until a report is decided.
    CaseHidden {},
    /// Tells an account owner that a report was decided. The reasons are shown in the web client only.
    CaseDecided {},
    /// Tells an account owner that their appeal was decided.
    CaseAppealDecided {},
    /// Confirms a report.
    ReportReceived {
        /// The id of the report.
        report: &'a str,
        /// Hours within which it is decided.
        hours: i64,
    },
    /// Tells a reporter what was decided.
    ReportDecided {
        /// The id of the report.
        report: &'a str,
        /// What happened to the image or the video.
        action: DecisionAction,
        /// Why.
        explanation: &'a str,
    },
    /// Tells a reporter that the decision was reversed after an appeal.
    ReportReversed {
        /// The id of the report.
        report: &'a str,
    },
    /// Tells a reporter that what they reported was deleted before a decision.
    ReportGone {
        /// The id of the report.
        report: &'a str,
    },
    /// Sends the code that confirms a guest ticket.
    GuestTicketCode {
        /// The code.
        code: &'a str,
        /// Minutes until the code expires.
        minutes: i64,
    },
    /// Sends a reply to a guest, and the staff members who read the ticket.
    GuestTicketReply {
        /// The reply of the staff member.
        reply: &'a str,
        /// The subject of the ticket.
        subject: &'a str,
        /// The reads of the ticket, the oldest first.
        reads: Vec<Read<'a>>,
    },
}

/// Describes one read of a guest ticket.
#[derive(Clone, Debug, Serialize)]
pub struct Read<'a> {
    /// The time in UTC, as [RFC 3339](https://www.rfc-editor.org/info/rfc3339) writes it, without fractions of a second.
    pub at: String,
    /// The pseudonym of the staff member.
    pub staff: &'a str,
    /// The reason that the staff member gave.
    pub reason: &'a str,
}

/// Holds a mail that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub subject: String,
    pub body: String,
}

impl Message<'_> {
    /// Renders the mail of the service with this name.
    ///
    /// # Errors
    /// The template is malformed or names a variable that the message does not have. Tests render every template.
    pub(crate) fn render(&self, language: Language, service: &str) -> Result<Rendered, minijinja::Error> {
        render(self.template(language), service, self)
    }

    const fn template(&self, language: Language) -> &'static str {
        macro_rules! template {
            ($name:literal) => {
                match language {
                    Language::English => include_str!(concat!("../templates/en/", $name, ".txt")),
                    Language::German => include_str!(concat!("../templates/de/", $name, ".txt")),
                }
            };
        }
        match self {
            Self::EmailChangeCurrent { .. } => template!("email_change_current"),
            Self::EmailChangeNew { .. } => template!("email_change_new"),
            Self::EmailChanged {} => template!("email_changed"),
            Self::DeletionRequested { .. } => template!("deletion_requested"),
            Self::StaffInvitation { .. } => template!("staff_invitation"),
            Self::TicketReplied {} => template!("ticket_replied"),
            Self::TicketReply { .. } => template!("ticket_reply"),
            Self::CaseHidden {} => template!("case_hidden"),
            Self::CaseDecided {} => template!("case_decided"),
            Self::CaseAppealDecided {} => template!("case_appeal_decided"),
            Self::ReportReceived { .. } => template!("report_received"),
            Self::ReportDecided { .. } => template!("report_decided"),
            Self::ReportReversed { .. } => template!("report_reversed"),
            Self::ReportGone { .. } => template!("report_gone"),
            Self::GuestTicketCode { .. } => template!("guest_ticket_code"),
            Self::GuestTicketReply { .. } => template!("guest_ticket_reply"),
        }
    }
}

/// Renders the subject and the body apart, so that no value of a variable can move the border between them.
fn render(template: &str, service: &str, variables: impl Serialize) -> Result<Rendered, minijinja::Error> {
    let (subject, body) = template.split_once("\n\n").unwrap_or_default();
    let subject = subject.strip_prefix(SUBJECT).unwrap_or_default();
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_global("service", service);
    let variables = minijinja::Value::from(Serde(variables));
    Ok(Rendered {
        subject: environment.render_str(subject, variables.clone())?,
        // The engine drops the newline at the end of a template.
        body: environment.render_str(body, variables)? + "\n",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "Atelier";
    const LANGUAGES: [Language; 2] = [Language::English, Language::German];

    /// Every mail, with the values that its body must contain.
    fn messages() -> Vec<(Message<'static>, &'static [&'static str])> {
        let (code, minutes, reply, subject) = ("12345678", 31, "Try it <now>.", "Locked & out");
        let reads =
            ["first", "second"].map(|reason| Read { at: "2026-11-22T12:00:00Z".to_owned(), staff: "s-1", reason });
        vec![
            (Message::EmailChangeCurrent { code, minutes }, &["12345678", "31", SERVICE]),
            (Message::EmailChangeNew { code, minutes }, &["12345678", "31", SERVICE]),
            (Message::EmailChanged {}, &[SERVICE]),
            (Message::DeletionRequested { days: 7 }, &["7"]),
            (
                Message::StaffInvitation { role: Role::Finance, days: 7, origin: "https://a.example" },
                &["7", SERVICE, "https://a.example"],
            ),
            (Message::TicketReplied {}, &[SERVICE]),
            (Message::TicketReply { reply, subject }, &["Try it <now>.\n", "Locked & out\n"]),
            (Message::CaseHidden {}, &[SERVICE]),
            (Message::CaseDecided {}, &[SERVICE]),
            (Message::CaseAppealDecided {}, &[SERVICE]),
            (Message::ReportReceived { report: "r-7", hours: 48 }, &["r-7", "48"]),
            (
                Message::ReportDecided { report: "r-7", action: DecisionAction::Keep, explanation: "It is <art>." },
                &["r-7", "It is <art>.\n"],
            ),
            (Message::ReportReversed { report: "r-7" }, &["r-7"]),
            (Message::ReportGone { report: "r-7" }, &["r-7"]),
            (Message::GuestTicketCode { code, minutes }, &["12345678", "31"]),
            (
                Message::GuestTicketReply { reply, subject, reads: reads.into() },
                &[
                    "Try it <now>.\n",
                    "Locked & out\n",
                    "\n2026-11-22T12:00:00Z, s-1: first\n2026-11-22T12:00:00Z, s-1: second\n\n",
                ],
            ),
        ]
    }

    #[test]
    fn every_mail_renders_in_every_language_with_all_its_variables() {
        for language in LANGUAGES {
            for (message, values) in messages() {
                let Rendered { subject, body } = message.render(language, SERVICE).unwrap();
                assert!((1..=78).contains(&subject.chars().count()) && !subject.contains('\n'), "{message:?}");
                assert!(!body.contains("Darkroom") && !subject.contains("Darkroom"), "{body}");
                assert!(body.ends_with('\n') && !body.ends_with("\n\n") && !body.contains("{{"), "{body}");
                for value in values {
                    assert!(body.contains(value), "{value} is missing: {body}");
                }
            }
        }
    }

    #[test]
    fn each_action_has_its_own_words_for_reporters() {
        for language in LANGUAGES {
            let actions = [DecisionAction::Keep, DecisionAction::Restrict, DecisionAction::Remove];
            let body = |action| {
                Message::ReportDecided { report: "r-7", action, explanation: "x" }
                    .render(language, SERVICE)
                    .unwrap()
                    .body
            };
            let bodies: std::collections::BTreeSet<_> = actions.into_iter().map(body).collect();
            assert_eq!(bodies.len(), actions.len(), "{language:?}");
        }
    }

    #[test]
    fn a_missing_variable_fails_the_rendering() {
        for language in LANGUAGES {
            for (message, _) in
                messages().into_iter().filter(|(_, values)| values.iter().any(|value| *value != SERVICE))
            {
                let error =
                    render(message.template(language), SERVICE, std::collections::BTreeMap::<&str, &str>::new())
                        .unwrap_err();
                assert_eq!(error.kind(), minijinja::ErrorKind::UndefinedError, "{message:?}");
            }
        }
    }

    #[test]
    fn no_two_mails_of_the_languages_share_a_template() {
        let bodies: std::collections::BTreeSet<_> = LANGUAGES
            .into_iter()
            .flat_map(|language| messages().into_iter().map(move |(message, _)| message.template(language)))
            .collect();
        assert_eq!(bodies.len(), LANGUAGES.len() * messages().len());
    }
}
