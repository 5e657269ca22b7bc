//! Derives `domain::registry::DataFields`: the list of the fields that a stored type has, from the type itself.
//!
//! Every field declares what it holds with one attribute. A field without a declaration does not compile:
//!
//! | attribute | meaning |
//! |---|---|
//! | `#[data(plain)]` | a value that says nothing about a person beyond whose it is |
//! | `#[data(personal)]` | a value that says something about a person |
//! | `#[data(nested)]` | a type that derives `DataFields` itself |
//! | `#[data(skip)]` | never stored; also on a variant |
//!
//! `path = "a.*"` beside one of the first two appends to the path of the field, where its type does not show its shape.
//!
//! Paths follow serde: `rename`, `rename_all`, `flatten`, `skip` and `tag` are honored; `content` and `untagged` are
//! refused. `Option` and `Box` add nothing to a path; `Vec`, `BTreeSet` and `BTreeMap` add `*`.

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `domain::registry::DataFields` for a struct with named fields or an enum.
#[proc_macro_derive(DataFields, attributes(data))]
pub fn data_fields(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::data_fields(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
