//! The gate: classifiers of prompts and images behind one trait.
//!
//! A classifier gets a text or the bytes of an image, and nothing about the account. It returns scores, from which
//! `domain::moderation::verdict` decides. Content stays in the memory of the function that asks.
//!
//! [`Local`] needs no key and calls nothing: words, patterns and rules in English and German. The modules are layers:
//! the trait (`classifier`); `fold` (spelling), `lists` (terms), `age`, `local`; `openai`, `rekognition`; then `gate`, which asks those that the operator chose.

mod age;
mod classifier;
mod fold;
mod gate;
mod lists;
mod local;
mod openai;
mod rekognition;

pub use classifier::{Classifier, ClassifierError, Content, Scored};
pub use gate::Gate;
pub use lists::InvalidList;
pub use local::Local;
pub use openai::OpenAi;
pub use rekognition::Rekognition;
