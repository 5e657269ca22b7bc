//! Reads the attributes `data` and `serde`.

use syn::{Attribute, Ident, Lit, LitStr, Result, Token, meta::ParseNestedMeta, token::Paren};

/// What a field declares about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declaration {
    Plain,
    Personal,
    Nested,
    Skip,
}

/// A declaration with what it appends to the path.
pub(crate) struct Data {
    pub(crate) declaration: Declaration,
    pub(crate) path: Option<String>,
}

impl Data {
    /// Reads `#[data(..)]`; `None` if there is none.
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Option<Self>> {
        let (mut declaration, mut path) = (None, None);
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("data")) {
            attribute.parse_nested_meta(|meta| {
                let known = [
                    ("plain", Declaration::Plain),
                    ("personal", Declaration::Personal),
                    ("nested", Declaration::Nested),
                    ("skip", Declaration::Skip),
                ];
                if meta.path.is_ident("path") {
                    path = Some(meta.value()?.parse::<LitStr>()?.value());
                    return Ok(());
                }
                match known.into_iter().find(|(name, _)| meta.path.is_ident(name)) {
                    Some(_) if declaration.is_some() => Err(meta.error("one declaration only")),
                    Some((_, found)) => {
                        declaration = Some(found);
                        Ok(())
                    }
                    None => Err(meta.error("expected plain, personal, nested, skip or path")),
                }
            })?;
        }
        Ok(declaration.map(|declaration| Self { declaration, path }))
    }
}

/// What serde does with a type, a variant or a field, as far as paths show it.
#[derive(Default)]
pub(crate) struct Serde {
    pub(crate) tag: Option<String>,
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<LitStr>,
    pub(crate) flatten: bool,
    pub(crate) skip: bool,
}

impl Serde {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| found.read(&meta))?;
        }
        Ok(found)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("tag") {
            self.tag = Some(meta.value()?.parse::<LitStr>()?.value());
        } else if meta.path.is_ident("rename") {
            self.rename = Some(meta.value()?.parse::<LitStr>()?.value());
        } else if meta.path.is_ident("rename_all") {
            self.rename_all = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("flatten") {
            self.flatten = true;
        } else if meta.path.is_ident("skip") {
            self.skip = true;
        } else if meta.path.is_ident("content") || meta.path.is_ident("untagged") {
            return Err(meta.error("`content` and `untagged` have no single path: not supported by DataFields"));
        } else if meta.input.peek(Token![=]) {
            meta.value()?.parse::<Lit>()?;
        } else if meta.input.peek(Paren) {
            meta.parse_nested_meta(|inner| inner.value()?.parse::<Lit>().map(|_| ()))?;
        }
        Ok(())
    }

    /// The name that serde writes for this variant of a type with these attributes.
    pub(crate) fn variant_name(&self, variant: &Ident, of_type: &Self) -> Result<String> {
        let name = variant.to_string();
        match (&self.rename, &of_type.rename_all) {
            (Some(rename), _) => Ok(rename.clone()),
            (None, None) => Ok(name),
            (None, Some(rule)) => renamed(&name, rule),
        }
    }

    /// The name that serde writes for this field.
    pub(crate) fn field_name(&self, field: &Ident) -> String {
        self.rename.clone().unwrap_or_else(|| field.to_string())
    }
}

fn renamed(name: &str, rule: &LitStr) -> Result<String> {
    let words = |separator: char| {
        let mut text = String::new();
        for (index, character) in name.char_indices() {
            if character.is_uppercase() && index > 0 {
                text.push(separator);
            }
            text.extend(character.to_lowercase());
        }
        text
    };
    match rule.value().as_str() {
        "snake_case" => Ok(words('_')),
        "kebab-case" => Ok(words('-')),
        "lowercase" => Ok(name.to_lowercase()),
        "UPPERCASE" => Ok(name.to_uppercase()),
        _ => Err(syn::Error::new(rule.span(), "this rename rule is not supported by DataFields")),
    }
}
