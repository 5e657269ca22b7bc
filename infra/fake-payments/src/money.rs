//! Converts amounts between minor units and decimal text.

/// Returns the number of decimals that Stripe uses for a currency: <https://docs.stripe.com/currencies#zero-decimal>.
pub(crate) fn stripe_decimals(currency: &str) -> u32 {
    const NONE: [&str; 16] = [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
    ];
    if NONE.iter().any(|none| none.eq_ignore_ascii_case(currency)) { 0 } else { 2 }
}

/// Returns the number of decimals that PayPal uses for a currency: <https://developer.paypal.com/api/rest/reference/currency-codes/>.
pub(crate) fn paypal_decimals(currency: &str) -> u32 {
    if ["HUF", "JPY", "TWD"].contains(&currency) { 0 } else { 2 }
}

/// Formats minor units: `1299` with two decimals is `12.99`.
pub(crate) fn format(minor: i64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    match usize::try_from(decimals) {
        Ok(width @ 1..) => format!("{sign}{whole}.{part:0width$}"),
        _ => format!("{sign}{whole}"),
    }
}

/// Parses an amount into minor units. Returns `None` for zero, for a negative amount, for too many decimals, and for any
/// other text.
pub(crate) fn parse(text: &str, decimals: u32) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let width = usize::try_from(decimals).ok()?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > width || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<width$}").parse().ok().filter(|minor| *minor > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, decimals: u32, minor: i64) {
        assert_eq!(parse(text, decimals), Some(minor));
        assert_eq!(format(minor, decimals), text);
    }

    #[test]
    fn amounts_survive_formatting_and_parsing() {
        check("12.99", 2, 1299);
        check("0.05", 2, 5);
        check("1299", 0, 1299);
        assert_eq!(format(-5, 2), "-0.05");
        assert_eq!(parse("7.5", 2), Some(750));
        assert_eq!(parse("7", 2), Some(700));
    }

    #[test]
    fn invalid_amounts_are_rejected() {
        for text in ["", "0.00", ".5", "-1.00", "1.005", "1,00", "1e2", "99999999999999999999"] {
            assert_eq!(parse(text, 2), None, "{text}");
        }
        assert_eq!(parse("12.99", 0), None);
    }
}
