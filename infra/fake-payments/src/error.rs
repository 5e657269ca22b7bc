//! Errors of actions, pages and control routes.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// 404: no object has this id. Holds the kind of object.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// 409: the object exists, but its status does not allow the action.
    #[error("{0}")]
    Conflict(&'static str),
    /// 400: the request is malformed.
    #[error("{0}")]
    InvalidRequest(String),
    /// 500: the state file could not be written. Nothing was changed.
    #[error("the state could not be saved")]
    NotSaved(#[from] std::io::Error),
}

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotSaved(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status(), format!("{self}\n")).into_response()
    }
}
