//! Describes the webhooks of the payment providers.

use utoipa::ToSchema;

use crate::operation::{Parameter::StripeSignature, operations};

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
