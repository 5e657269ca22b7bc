//! Why something cannot be done.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nothing has this id.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// It exists, but this cannot happen to it now.
    #[error("{0}")]
    NotNow(&'static str),
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    #[error("the state cannot be kept")]
    Unsaved(#[from] std::io::Error),
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::NotNow(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unsaved(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), format!("{self}\n")).into_response()
    }
}
