//! Pages of listings.

use runtime::{cursor, http::Problem, seal::Sealer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Mutations;

/// Things on a page if the client does not say.
const PAGE: usize = 24;
/// Most items on a page.
pub const LARGEST_PAGE: usize = 100;

/// What a client says of the page that it wants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Most items on it.
    pub limit: Option<usize>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of one listing: how much fits on it, and where it starts.
pub struct Paging<'a, S, P> {
    /// Most items on it.
    pub limit: usize,
    /// The place of the last thing on the page before.
    pub after: Option<P>,
    sealer: &'a Sealer,
    scope: S,
}

impl<'a, S: Serialize, P: Serialize + DeserializeOwned> Paging<'a, S, P> {
    /// The page that a client asks for. `scope` is all that makes the listing what it is: a cursor of another one is refused.
    ///
    /// # Errors
    /// A 400 that names `limit` or `cursor`.
    pub async fn open(mutations: &'a Mutations, scope: S, query: PageQuery) -> Result<Self, Problem> {
        let limit = page_limit(query.limit)?;
        let sealer = mutations.sealer().await?;
        let after = query.cursor.map(|text| cursor::open(sealer, &scope, &text)).transpose()?;
        Ok(Self { limit, after, sealer, scope })
    }

    /// The cursor of the page after this one, which ends with the thing at `last`.
    ///
    /// # Errors
    /// Our own mistake.
    pub fn next(&self, last: Option<P>) -> Result<Option<String>, Problem> {
        last.map(|last| cursor::seal(self.sealer, &self.scope, &last)).transpose().map_err(Problem::internal)
    }
}

fn page_limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(PAGE),
        Some(limit @ 1..=LARGEST_PAGE) => Ok(limit),
        Some(_) => Err(Problem::invalid("limit", format!("must be 1 to {LARGEST_PAGE}"))),
    }
}
