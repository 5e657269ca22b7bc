//! The gate: classifiers of prompts and images behind one trait.
//!
//! A classifier gets a text or the bytes of an image, and nothing about the account. It returns scores, from which
//! `domain::moderation::verdict` decides. Content stays in the memory of the function that asks.
//!
//! [`Local`] needs no key and calls nothing: words, patterns and rules in English and German. Nor does [`Pixels`], for images. The modules
//! are layers: the trait (`classifier`); `fold` (spelling), `lists` (terms), `age`, `local`; `network`, `pixels`; `openai`, `rekognition`, `guardrail`; then `gate`, which asks those that the operator chose.

mod age;
mod classifier;
mod fold;
mod gate;
mod guardrail;
mod lists;
mod local;
mod network;
mod openai;
mod pixels;
mod rekognition;

pub use classifier::{Classifier, ClassifierError, Content, Scored};
pub use gate::Gate;
pub use guardrail::Guardrail;
pub use lists::InvalidList;
pub use local::Local;
pub use openai::OpenAi;
pub use pixels::Pixels;
pub use rekognition::Rekognition;
