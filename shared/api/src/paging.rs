//! Pages lists.

use runtime::{cursor, http::Problem, seal::Sealer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::mutation::Mutations;

/// The number of items on a page if the client does not say.
const DEFAULT_PAGE: usize = 24;
/// The largest number of items on a page.
pub const MAX_PAGE: usize = 100;

/// Decodes the query parameters of a page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The largest number of items on the page.
    pub limit: Option<usize>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// Is a page of a list: its size, and the position that it starts after.
pub struct Paging<'a, S, P> {
    /// The largest number of items on the page.
    pub limit: usize,
    /// The position of the last item of the page before.
    pub after: Option<P>,
    sealer: &'a Sealer,
    scope: S,
}

impl<'a, S: Serialize, P: Serialize + DeserializeOwned> Paging<'a, S, P> {
    /// Opens the page that a client asks for. `scope` identifies the list: route, account, filters. The cursor of another list
    /// is refused.
    ///
    /// # Errors
    /// A 400 that names `limit` or `cursor`.
    pub async fn open(mutations: &'a Mutations, scope: S, query: PageQuery) -> Result<Self, Problem> {
        let limit = page_limit(query.limit)?;
        let sealer = mutations.sealer().await?;
        let after = query.cursor.map(|text| cursor::open(sealer, &scope, &text)).transpose()?;
        Ok(Self { limit, after, sealer, scope })
    }

    /// Makes the cursor of the page that starts after `last`; `None` if `last` is.
    ///
    /// # Errors
    /// A 500 if the position cannot be encoded.
    pub fn next(&self, last: Option<P>) -> Result<Option<String>, Problem> {
        last.map(|last| cursor::seal(self.sealer, &self.scope, &last)).transpose().map_err(Problem::internal)
    }
}

fn page_limit(requested: Option<usize>) -> Result<usize, Problem> {
    match requested {
        None => Ok(DEFAULT_PAGE),
        Some(limit @ 1..=MAX_PAGE) => Ok(limit),
        Some(_) => Err(Problem::invalid("limit", format!("must be 1 to {MAX_PAGE}"))),
    }
}
