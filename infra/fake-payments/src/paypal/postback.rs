//! The postback, with which a merchant asks whether PayPal sent a notification:
//! <https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/>.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};

use crate::app::App;
use crate::delivery::{Delivery, DeliveryStatus, Provider};
use crate::error::ApiError;
use crate::state::PostbackMode;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/cgi-bin/webscr", post(verify))
}

/// Verifies the exact bytes of a notification that was sent, after `cmd=_notify-validate&`.
async fn verify(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, ApiError> {
    if headers.get(header::USER_AGENT).is_none_or(http::HeaderValue::is_empty) {
        return Ok((StatusCode::FORBIDDEN, "a postback needs a User-Agent\n").into_response());
    }
    let message = body.strip_prefix(b"cmd=_notify-validate&");
    let (mode, is_genuine) = app.update(|state, _| {
        let was_sent = |delivery: &Delivery| !matches!(delivery.status, DeliveryStatus::Held | DeliveryStatus::Dropped);
        let is_ipn =
            |delivery: &&mut Delivery| delivery.provider == Provider::Paypal && delivery.transmission.is_none();
        let mut notifications = state.deliveries.iter_mut().filter(is_ipn);
        let found = notifications.find(|delivery| was_sent(delivery) && Some(delivery.body.as_bytes()) == message);
        let is_genuine = found.is_some();
        if let Some(delivery) = found {
            delivery.postbacks += 1;
        }
        Ok((state.postback_mode, is_genuine))
    })?;
    Ok(match mode {
        PostbackMode::Error => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        PostbackMode::Garbage => "<html><body>Please try again later.</body></html>".into_response(),
        PostbackMode::Honest if is_genuine => "VERIFIED".into_response(),
        PostbackMode::Honest | PostbackMode::Invalid => "INVALID".into_response(),
    })
}
