//! The postback, by which a merchant asks whether a message is PayPal's:
//! <https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/>.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::delivery::{Delivery, Service, State as DeliveryState};
use crate::refusal::Refusal;
use crate::serve::App;

/// How postbacks are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Postback {
    /// `VERIFIED` or `INVALID`, as it is.
    #[default]
    Honest,
    /// With 500.
    Error,
    /// With 200 and a page that says neither.
    Garbage,
}

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/cgi-bin/webscr", post(verify))
}

/// Only the very bytes of a message that left are verified, behind `cmd=_notify-validate&`.
async fn verify(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    if headers.get(header::USER_AGENT).is_none_or(http::HeaderValue::is_empty) {
        return Ok((StatusCode::FORBIDDEN, "a postback needs a User-Agent\n").into_response());
    }
    let message = body.strip_prefix(b"cmd=_notify-validate&");
    let (postback, sent) = app.change(|book, _| {
        let left = |delivery: &Delivery| !matches!(delivery.state, DeliveryState::Held | DeliveryState::Dropped);
        let mut messages = book.deliveries.iter_mut().filter(|delivery| delivery.service == Service::Paypal);
        let sent = messages.find(|delivery| left(delivery) && Some(delivery.body.as_bytes()) == message);
        let is_sent = sent.is_some();
        if let Some(delivery) = sent {
            delivery.questions += 1;
        }
        Ok((book.postback, is_sent))
    })?;
    Ok(match postback {
        Postback::Error => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Postback::Garbage => "<html><body>Please try again later.</body></html>".into_response(),
        Postback::Honest => if sent { "VERIFIED" } else { "INVALID" }.into_response(),
    })
}
