//! Seals cursors: positions in a list, which only open for the list that they were made for.
//!
//! The scope identifies the list: route, account, filters. A cursor of another account or of other filters does not open.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::Problem;
use crate::seal::Sealer;

/// Makes the cursor of the page that starts after `position`.
///
/// # Errors
/// The scope or the position cannot be encoded as JSON.
pub fn seal<S: Serialize, P: Serialize>(sealer: &Sealer, scope: &S, position: &P) -> Result<String, serde_json::Error> {
    Ok(sealer.seal(&purpose(scope)?, &serde_json::to_vec(position)?))
}

/// Returns the position in a cursor.
///
/// # Errors
/// A 400 that names `cursor`, if it was not sealed for this scope.
pub fn open<S: Serialize, P: DeserializeOwned>(sealer: &Sealer, scope: &S, cursor: &str) -> Result<P, Problem> {
    purpose(scope)
        .ok()
        .and_then(|purpose| sealer.open(&purpose, cursor))
        .and_then(|position| serde_json::from_slice(&position).ok())
        .ok_or_else(|| Problem::invalid("cursor", "must be the `next` of a page of the same list"))
}

fn purpose<S: Serialize>(scope: &S) -> Result<String, serde_json::Error> {
    Ok(format!("cursor {}", serde_json::to_string(scope)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_opens_only_for_its_own_list() {
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
