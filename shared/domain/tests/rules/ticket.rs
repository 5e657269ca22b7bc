//! Tickets.

use domain::{
    AccountId, Refusal, TicketId,
    support::ticket::{MESSAGES, MessageAuthor, NewTicket, Ticket, TicketStatus},
};
use uuid::Uuid;

use crate::at;

fn open(subject: &str, text: &str) -> Result<Ticket, Refusal> {
    let question = NewTicket { subject: subject.to_owned(), text: text.to_owned(), about: None };
    Ticket::open(question, (TicketId(Uuid::nil()), AccountId(Uuid::nil())), at(0))
}

fn check(subject: &str, text: &str, broken: &[&str]) {
    let fields = match open(subject, text) {
        Ok(_) => vec![],
        Err(Refusal::Invalid(errors)) => errors.iter().map(|error| error.field.to_string()).collect(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(fields, broken, "{subject:?} {text:?}");
}

fn reply(ticket: &Ticket, from: MessageAuthor, text: &str, second: i64) -> Result<Ticket, Refusal> {
    ticket.add_message(from, Some(text.to_owned()), false, at(second))
}

#[test]
fn ticket_needs_a_subject_of_one_line_and_a_text() {
    check("Upside down", "Look\nhere", &[]);
    check("", " ", &["subject", "text"]);
    check("two\nlines", "x", &["subject"]);
    check(&"é".repeat(200), &"é".repeat(2_000), &[]);
    check(&"é".repeat(201), &"é".repeat(2_001), &["subject", "text"]);
    check("x", "a\u{0}", &["text"]);
}

#[test]
fn status_follows_from_the_author_of_the_last_message() {
    let asked = open("s", "t").unwrap();
    assert_eq!(asked.status, TicketStatus::Waiting);
    let answered = reply(&asked, MessageAuthor::Staff, "so", 5).unwrap();
    assert_eq!((answered.status, answered.version, answered.updated_at), (TicketStatus::Answered, 2, at(5)));
    let again = reply(&answered, MessageAuthor::Owner, "but", 6).unwrap();
    assert_eq!((again.status, again.messages.len()), (TicketStatus::Waiting, 3));
}

#[test]
fn closed_ticket_accepts_no_message() {
    let open = open("s", "t").unwrap();
    let closed = open.add_message(MessageAuthor::Owner, Some("thanks".to_owned()), true, at(5)).unwrap();
    assert_eq!((closed.status, closed.messages.len(), closed.version), (TicketStatus::Closed, 2, 2));
    assert!(matches!(reply(&closed, MessageAuthor::Owner, "but", 6), Err(Refusal::Conflict(_))));
    assert!(matches!(closed.add_message(MessageAuthor::Owner, None, true, at(6)), Err(Refusal::Conflict(_))));
}

#[test]
fn message_needs_a_text_or_closes_the_ticket() {
    let open = open("s", "t").unwrap();
    for nothing in [None, Some(String::new())] {
        assert!(matches!(open.add_message(MessageAuthor::Owner, nothing, false, at(1)), Err(Refusal::Invalid(_))));
    }
}

#[test]
fn full_ticket_accepts_only_a_reply_by_staff() {
    let mut ticket = open("s", "t").unwrap();
    for _ in 2..MESSAGES {
        ticket = reply(&ticket, MessageAuthor::Owner, "x", 1).unwrap();
    }
    assert!(matches!(reply(&ticket, MessageAuthor::Owner, "x", 2), Err(Refusal::Conflict(_))));
    let ticket = reply(&ticket, MessageAuthor::Staff, "the last word", 2).unwrap();
    assert_eq!(ticket.messages.len(), MESSAGES);
    assert!(matches!(reply(&ticket, MessageAuthor::Staff, "x", 3), Err(Refusal::Conflict(_))));
    assert!(ticket.add_message(MessageAuthor::Owner, None, true, at(2)).is_ok());
}

#[test]
fn ticket_expires_180_days_after_its_last_message() {
    let ticket = open("s", "t").unwrap();
    assert_eq!(ticket.expires_at(), at(180 * 86_400));
    assert_eq!(reply(&ticket, MessageAuthor::Staff, "x", 9).unwrap().expires_at(), at(180 * 86_400 + 9));
}
