//! Writes the implementation.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data as Body, DeriveInput, Error, Field, Fields, GenericArgument, PathArguments, Result, Type, Variant};

use crate::attributes::{Data, Declaration, Serde};

pub(crate) fn data_fields(input: &DeriveInput) -> Result<TokenStream> {
    let of_type = Serde::of(&input.attrs)?;
    let statements = match &input.data {
        Body::Struct(body) => {
            if let Some(rule) = &of_type.rename_all {
                return Err(Error::new(rule.span(), "`rename_all` of fields is not supported by DataFields"));
            }
            match &body.fields {
                // A newtype stands for the value in it.
                Fields::Unnamed(inner) if inner.unnamed.len() == 1 => {
                    inner.unnamed.iter().map(|field| of_field(field, "")).collect::<Result<_>>()?
                }
                fields => named_fields(fields)?,
            }
        }
        Body::Enum(body) => {
            let tag = of_type.tag.as_ref().map(|tag| value(&quote!(path), tag, false));
            let variants = body.variants.iter().map(|variant| of_variant(variant, &of_type));
            tag.into_iter().map(Ok).chain(variants).collect::<Result<_>>()?
        }
        Body::Union(_) => return Err(Error::new_spanned(input, "DataFields is for structs and enums")),
    };
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::domain::registry::DataFields for #name {
            fn collect(path: &str, fields: &mut ::domain::registry::FieldList) {
                #statements
            }
        }
    })
}

fn of_variant(variant: &Variant, of_type: &Serde) -> Result<TokenStream> {
    let (data, serde) = (Data::of(&variant.attrs)?, Serde::of(&variant.attrs)?);
    if serde.skip || data.is_some_and(|data| data.declaration == Declaration::Skip) {
        return Ok(TokenStream::new());
    }
    let name = serde.variant_name(&variant.ident, of_type)?;
    match (&variant.fields, of_type.tag.is_some()) {
        (Fields::Unit, true) => Ok(TokenStream::new()),
        // Written as a string in place of a map.
        (Fields::Unit, false) => Ok(value(&quote!(path), "", false)),
        (fields @ Fields::Named(_), true) => named_fields(fields),
        (fields @ Fields::Named(_), false) => {
            let inner = named_fields(fields)?;
            Ok(quote!({
                let path = &::domain::registry::FieldList::join(path, #name);
                #inner
            }))
        }
        // The fields of the inner type stand beside the tag.
        (Fields::Unnamed(inner), true) => inner.unnamed.iter().map(|field| of_field(field, "")).collect(),
        (Fields::Unnamed(inner), false) => {
            let name = if inner.unnamed.len() == 1 { name } else { format!("{name}.*") };
            inner.unnamed.iter().map(|field| of_field(field, &name)).collect()
        }
    }
}

fn named_fields(fields: &Fields) -> Result<TokenStream> {
    let Fields::Named(named) = fields else {
        return Err(Error::new_spanned(fields, "DataFields needs named fields"));
    };
    let of_named = |field: &Field| {
        let serde = Serde::of(&field.attrs)?;
        let name = field.ident.as_ref().map(|ident| serde.field_name(ident)).unwrap_or_default();
        if serde.skip {
            return Ok(TokenStream::new());
        }
        of_field(field, if serde.flatten { "" } else { &name })
    };
    named.named.iter().map(of_named).collect()
}

fn of_field(field: &Field, name: &str) -> Result<TokenStream> {
    let Some(data) = Data::of(&field.attrs)? else {
        let message = "declare what this field holds: #[data(plain)], #[data(personal)] or #[data(nested)]";
        return Err(Error::new_spanned(field, message));
    };
    let (mut parts, inner) = shape(&field.ty);
    parts.insert(0, name.to_owned());
    parts.extend(data.path);
    let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    Ok(match data.declaration {
        Declaration::Plain => value(&quote!(path), &name, false),
        Declaration::Personal => value(&quote!(path), &name, true),
        Declaration::Nested => quote! {
            <#inner as ::domain::registry::DataFields>::collect(
                &::domain::registry::FieldList::join(path, #name),
                fields,
            );
        },
        Declaration::Skip => TokenStream::new(),
    })
}

fn value(path: &TokenStream, name: &str, personal: bool) -> TokenStream {
    quote!(fields.add(::domain::registry::FieldList::join(#path, #name), #personal);)
}

/// What the containers of a type add to a path, and the type in them.
fn shape(ty: &Type) -> (Vec<String>, &Type) {
    let (mut parts, mut inner) = (Vec::new(), ty);
    while let Some((container, argument)) = container_of(inner) {
        match container.as_str() {
            "Option" | "Box" => {}
            "Vec" | "BTreeSet" | "BTreeMap" => parts.push("*".to_owned()),
            _ => break,
        }
        inner = argument;
    }
    (parts, inner)
}

/// The name of a generic type, and its last argument.
fn container_of(ty: &Type) -> Option<(String, &Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let Some(GenericArgument::Type(argument)) = arguments.args.last() else { return None };
    Some((last.ident.to_string(), argument))
}
