//! Opaque cursors: where a listing goes on, sealed for the listing that it came from.
//!
//! The scope is everything that makes the listing what it is: the route, the account, the filters. A cursor of another
//! person or of other filters does not open.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::Problem;
use crate::seal::Sealer;

/// The text of a cursor that goes on after `position`.
///
/// Fails only when the scope or the position cannot be JSON, which is a mistake of the caller's types.
pub fn seal<S: Serialize, P: Serialize>(sealer: &Sealer, scope: &S, position: &P) -> Result<String, serde_json::Error> {
    Ok(sealer.seal(&purpose(scope)?, &serde_json::to_vec(position)?))
}

/// The position in a cursor, or a 400 that names `cursor`.
pub fn open<S: Serialize, P: DeserializeOwned>(sealer: &Sealer, scope: &S, cursor: &str) -> Result<P, Problem> {
    purpose(scope)
        .ok()
        .and_then(|purpose| sealer.open(&purpose, cursor))
        .and_then(|position| serde_json::from_slice(&position).ok())
        .ok_or_else(|| Problem::invalid("cursor", "must be the `next` of a page of the same listing"))
}

fn purpose<S: Serialize>(scope: &S) -> Result<String, serde_json::Error> {
    Ok(format!("cursor {}", serde_json::to_string(scope)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_for_its_own_listing() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let cursor = seal(&sealer, &("generations", "alice", "image"), &("2026-11", 42)).unwrap();
        let position: (String, u32) = open(&sealer, &("generations", "alice", "image"), &cursor).unwrap();
        assert_eq!(position, ("2026-11".to_owned(), 42));
        for scope in [("generations", "bob", "image"), ("generations", "alice", "video"), ("gallery", "alice", "image")]
        {
            let problem = open::<_, (String, u32)>(&sealer, &scope, &cursor).unwrap_err();
            assert_eq!((problem.status(), problem.fields()[0].field.as_str()), (400, "cursor"));
        }
    }
}
