//! Tickets.

use domain::{
    AccountId, Refusal, TicketId,
    support::ticket::{MESSAGES, MessageAuthor, NewTicket, Ticket, TicketStatus},
};
use uuid::Uuid;

use crate::at;

fn ask(subject: &str, text: &str) -> Result<Ticket, Refusal> {
    let question = NewTicket { subject: subject.to_owned(), text: text.to_owned(), about: None };
    Ticket::open(question, (TicketId(Uuid::nil()), AccountId(Uuid::nil())), at(0))
}

fn check(subject: &str, text: &str, broken: &[&str]) {
    let fields = match ask(subject, text) {
        Ok(_) => vec![],
        Err(Refusal::Invalid(errors)) => errors.iter().map(|error| error.field).collect(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(fields, broken, "{subject:?} {text:?}");
}

fn said(ticket: &Ticket, from: MessageAuthor, text: &str, second: i64) -> Result<Ticket, Refusal> {
    ticket.add_message(from, Some(text.to_owned()), false, at(second))
}

#[test]
fn a_question_has_a_subject_of_one_line_and_says_something() {
    check("Upside down", "Look\nhere", &[]);
    check("", " ", &["subject", "text"]);
    check("two\nlines", "x", &["subject"]);
    check(&"é".repeat(200), &"é".repeat(2_000), &[]);
    check(&"é".repeat(201), &"é".repeat(2_001), &["subject", "text"]);
    check("x", "a\u{0}", &["text"]);
}

#[test]
fn whose_turn_it_is_follows_from_who_spoke_last() {
    let asked = ask("s", "t").unwrap();
    assert_eq!(asked.status, TicketStatus::Waiting);
    let answered = said(&asked, MessageAuthor::Staff, "so", 5).unwrap();
    assert_eq!((answered.status, answered.version, answered.updated_at), (TicketStatus::Answered, 2, at(5)));
    let again = said(&answered, MessageAuthor::Owner, "but", 6).unwrap();
    assert_eq!((again.status, again.messages.len()), (TicketStatus::Waiting, 3));
}

#[test]
fn a_closed_ticket_takes_nothing_more() {
    let open = ask("s", "t").unwrap();
    let closed = open.add_message(MessageAuthor::Owner, Some("thanks".to_owned()), true, at(5)).unwrap();
    assert_eq!((closed.status, closed.messages.len(), closed.version), (TicketStatus::Closed, 2, 2));
    assert!(matches!(said(&closed, MessageAuthor::Owner, "but", 6), Err(Refusal::Conflict(_))));
    assert!(matches!(closed.add_message(MessageAuthor::Owner, None, true, at(6)), Err(Refusal::Conflict(_))));
}

#[test]
fn a_message_says_something_or_closes() {
    let open = ask("s", "t").unwrap();
    for nothing in [None, Some(String::new())] {
        assert!(matches!(open.add_message(MessageAuthor::Owner, nothing, false, at(1)), Err(Refusal::Invalid(_))));
    }
}

#[test]
fn a_ticket_is_full_after_so_many_messages() {
    let mut ticket = ask("s", "t").unwrap();
    for _ in 2..MESSAGES {
        ticket = said(&ticket, MessageAuthor::Owner, "x", 1).unwrap();
    }
    assert!(matches!(said(&ticket, MessageAuthor::Owner, "x", 2), Err(Refusal::Conflict(_))));
    let ticket = said(&ticket, MessageAuthor::Staff, "the last word", 2).unwrap();
    assert_eq!(ticket.messages.len(), MESSAGES);
    assert!(matches!(said(&ticket, MessageAuthor::Staff, "x", 3), Err(Refusal::Conflict(_))));
    assert!(ticket.add_message(MessageAuthor::Owner, None, true, at(2)).is_ok());
}

#[test]
fn it_goes_half_a_year_after_the_last_word() {
    let ticket = ask("s", "t").unwrap();
    assert_eq!(ticket.expires_at(), at(180 * 86_400));
    assert_eq!(said(&ticket, MessageAuthor::Staff, "x", 9).unwrap().expires_at(), at(180 * 86_400 + 9));
}
