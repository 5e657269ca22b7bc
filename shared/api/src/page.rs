//! Pages of listings.

use runtime::http::Problem;

/// Things on a page if the client does not say.
const PAGE: usize = 24;
/// Most things on a page.
pub const LARGEST_PAGE: usize = 100;

/// The size of a page.
///
/// # Errors
/// A 400 that names `limit`.
pub fn page_limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(PAGE),
        Some(limit @ 1..=LARGEST_PAGE) => Ok(limit),
        Some(_) => Err(Problem::invalid("limit", format!("must be 1 to {LARGEST_PAGE}"))),
    }
}
