//! The rules of the HTTP functions, each in this process on a fake AWS: a request, the response, and what is stored. What only
//! the whole can show, such as races, crashes and permissions, is shown end to end.

mod accounts;
#[path = "../authenticator.rs"]
mod authenticator;
mod busy;
mod catalogue;
mod credits;
mod generations;
mod links;
mod moderation;
mod passkeys;
mod payments;
mod privacy;
mod provenance;
mod settings;
mod staff;
mod support;
mod texts;
mod world;
