//! Encodings of a reference image for provider APIs.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Body, multipart::Part};

use crate::error::ProviderError;
use crate::request::ReferenceImage;

/// Returns the image as a file of a form, without a copy of it. The file name tells its type only.
pub(crate) fn form_part(provider: &'static str, image: &ReferenceImage) -> Result<Part, ProviderError> {
    let name = match image.mime.as_str() {
        "image/jpeg" => "input.jpg",
        "image/webp" => "input.webp",
        _ => "input.png",
    };
    let content = Part::stream_with_length(Body::from(image.bytes.clone()), image.bytes.len() as u64);
    let part = content.file_name(name).mime_str(&image.mime);
    part.map_err(|_| ProviderError::invalid_request(provider, "the reference image's type is not a media type"))
}

/// Returns an image as a data URL ([RFC 2397](https://www.rfc-editor.org/rfc/rfc2397)).
pub(crate) fn data_url(bytes: &[u8], media_type: &str) -> String {
    let mut url = format!("data:{media_type};base64,");
    url.reserve_exact(bytes.len().div_ceil(3) * 4);
    BASE64_STANDARD.encode_string(bytes, &mut url);
    url
}
