//! The security headers of every page.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};

/// Builds the Content-Security-Policy: everything is loaded from this origin, except users' files, which come from the first
/// of `origins` and are uploaded to the last.
///
/// No `'unsafe-inline'`, no `'unsafe-eval'`, and no text can become a script
/// ([Trusted Types](https://www.w3.org/TR/trusted-types/)). `data:` and `blob:` are previews of
/// images that were chosen for upload.
pub(crate) fn content_security_policy(origins: &[String]) -> String {
    let media = origins.first().map_or("", String::as_str);
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        &format!("img-src 'self' blob: data: {media}"),
        &format!("media-src 'self' blob: {media}"),
        &format!("connect-src 'self' {}", origins.join(" ")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    .join("; ")
}

/// Adds the policy and the related headers to a page.
pub(crate) fn apply(headers: &mut HeaderMap, policy: &HeaderValue) {
    // No referrer is sent to other sites: the address of a share link gives access.
    let others = [
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
        ),
    ];
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    for (name, value) in others {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
