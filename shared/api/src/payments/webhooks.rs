//! Describes the webhooks of the payment providers.

use utoipa::ToSchema;

use crate::operation::{
    Parameter::{PaypalSignature, StripeSignature},
    operations,
};

operations! {
    /// Receives an event from Stripe. A repeat changes nothing.
    STRIPE = post("/v1/webhooks/stripe", "stripe-webhook").public()
        .takes::<StripeEvent>(r#"{"id": "evt_1", "type": "checkout.session.completed", "livemode": false}"#)
        .parameters(&[StripeSignature]).problems(&[400, 413]);

    /// Receives an instant payment notification from PayPal. One that names no payment of this service is ignored; others are
    /// verified with PayPal before they have an effect. A repeat changes nothing. A network may send a number in a minute.
    PAYPAL = post("/v1/webhooks/paypal", "paypal-ipn").public()
        .takes_form::<IpnMessage>(r#"{"txn_id": "1", "payment_status": "Completed", "charset": "utf-8"}"#)
        .responds(200).problems(&[400, 413, 429]);

    /// Receives an event of a webhook of PayPal. One that names no payment of this service is ignored; others are verified with
    /// PayPal before they have an effect. A repeat changes nothing. A network may send a number in a minute.
    PAYPAL_EVENT = post("/v1/webhooks/paypal-events", "paypal-webhook").public()
        .takes::<PaypalEvent>(r#"{"id": "WH-1", "event_type": "PAYMENT.CAPTURE.PENDING", "resource": {"id": "1", "amount": {"currency_code": "EUR", "value": "5.00"}}}"#)
        .parameters(&[PaypalSignature]).problems(&[400, 413, 429]);
}

/// Is an event, as Stripe [sends it](https://docs.stripe.com/api/events/object). It counts only with Stripe's signature.
#[derive(ToSchema)]
pub struct StripeEvent {
    /// The id.
    pub id: String,
    /// The kind of the event, such as `checkout.session.completed`.
    pub r#type: String,
    /// Whether it is about real money.
    pub livemode: bool,
}

/// Is an event, as PayPal [sends it](https://developer.paypal.com/api/rest/webhooks/event-names/). It counts only when PayPal has
/// verified its signature.
#[derive(ToSchema)]
pub struct PaypalEvent {
    /// The id.
    pub id: String,
    /// The kind of the event, such as `PAYMENT.CAPTURE.REFUNDED`.
    pub event_type: String,
    /// The capture, refund, order or dispute that it is about.
    pub resource: serde_json::Value,
}

/// Is a notification, as PayPal
/// [sends it](https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/). It counts only when PayPal has verified it.
#[derive(ToSchema)]
pub struct IpnMessage {
    /// The id of the transaction.
    pub txn_id: Option<String>,
    /// The status of the payment.
    pub payment_status: Option<String>,
    /// The character encoding of the message.
    pub charset: Option<String>,
}
