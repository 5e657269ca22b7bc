//! An input image on its way out.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::multipart::Part;

use crate::{ProviderError, ReferenceImage};

/// As a file of a form, whose name says nothing but its type.
pub(crate) fn file(provider: &'static str, input: &ReferenceImage) -> Result<Part, ProviderError> {
    let name = match input.mime.as_str() {
        "image/jpeg" => "input.jpg",
        "image/webp" => "input.webp",
        _ => "input.png",
    };
    let part = Part::bytes(input.bytes.clone()).file_name(name).mime_str(&input.mime);
    part.map_err(|_| ProviderError::invalid_request(provider, "the input image's type is not a media type"))
}

/// As an address inside JSON ([RFC 2397](https://www.rfc-editor.org/rfc/rfc2397)).
pub(crate) fn data_url(input: &ReferenceImage) -> String {
    format!("data:{};base64,{}", input.mime, BASE64_STANDARD.encode(&input.bytes))
}
