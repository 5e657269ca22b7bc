//! Renders Stripe's API objects: Stripe's own examples with the values of a payment.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::payment::{
    BalanceTransaction, Dispute, DisputeStatus, Method, Payment, PaymentAttempt, PaymentOutcome, Refund, RefundStatus,
    Status,
};
use crate::ids;

static EXAMPLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// Renders a session. `expand` lists the fields to expand, such as `payment_intent.latest_charge`.
pub(crate) fn session(payment: &Payment, base_url: &str, expand: &[String]) -> Value {
    let params = &payment.params;
    let mut session = from_example(
        "checkout.session",
        json!({
            "after_expiration": null,
            "amount_subtotal": params.subtotal(),
            "amount_total": params.total(),
            "automatic_tax": {
                "enabled": params.tax.is_some(),
                "liability": params.tax.map(|_| json!({"type": "self"})),
                "provider": params.tax.map(|_| "stripe"),
                "status": params.tax.map(|_| "complete"),
            },
            "cancel_url": params.cancel_url,
            "client_reference_id": params.client_reference_id,
            "collected_information": null,
            "consent": null,
            "consent_collection": null,
            "created": payment.created,
            "currency": params.currency,
            "currency_conversion": null,
            "custom_text":
                {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
            // An invoice is made for a customer.
            "customer_creation": if params.makes_invoice { "always" } else { "if_required" },
            "customer_details": customer_details(payment),
            "customer_email": params.customer_email,
            "expires_at": payment.expires_at,
            "id": payment.id,
            "invoice_creation": {
                "enabled": params.makes_invoice,
                "invoice_data": {"issuer": null, "metadata": {}, "rendering_options": null},
            },
            "invoice": (params.makes_invoice && payment.is_paid()).then(|| format!("in_{}", payment.id)),
            "locale": params.locale,
            "managed_payments": {"enabled": false},
            "metadata": params.metadata,
            "payment_intent": payment.attempt.as_ref().map(|attempt| &attempt.intent),
            "payment_method_collection": "if_required",
            "payment_method_configuration_details": null,
            "payment_method_types": ["card", "sepa_debit"],
            "payment_status": if payment.is_paid() { "paid" } else { "unpaid" },
            "permissions": null,
            "saved_payment_method_options": null,
            "shipping_address_collection": null,
            "shipping_cost": null,
            "status": payment.status,
            "success_url": params.success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": params.tax()},
            "ui_mode": "hosted_page",
            "url": (payment.status == Status::Open).then(|| format!("{base_url}/pay/stripe/{}", payment.id)),
            "wallet_options": null,
        }),
    );
    let expanded = |path: &str| expand.iter().any(|field| field == path || field.starts_with(&format!("{path}.")));
    if expanded("payment_intent")
        && let Some(attempt) = &payment.attempt
    {
        let intent = payment_intent(payment, attempt, expanded("payment_intent.latest_charge"));
        overlay(&mut session, json!({"payment_intent": intent}));
    }
    if expanded("line_items") {
        overlay(&mut session, json!({"line_items": line_items(payment)}));
    }
    session
}

pub(crate) fn payment_intent(payment: &Payment, attempt: &PaymentAttempt, with_charge: bool) -> Value {
    let received = if attempt.outcome == PaymentOutcome::Succeeded { payment.params.total() } else { 0 };
    let failure = json!({"type": "card_error", "code": "card_declined", "message": "Your card was declined."});
    from_example(
        "payment_intent",
        json!({
            "amount": payment.params.total(),
            "amount_received": received,
            "automatic_payment_methods": null,
            "canceled_at": null,
            "capture_method": "automatic_async",
            "client_secret": null,
            "created": attempt.created,
            "currency": payment.params.currency,
            "id": attempt.intent,
            "last_payment_error": (attempt.outcome == PaymentOutcome::Failed).then_some(failure),
            "latest_charge": if with_charge { charge(payment, attempt) } else { json!(attempt.charge) },
            "managed_payments": {"enabled": false},
            "metadata": payment.params.payment_metadata,
            "next_action": null,
            "payment_method_configuration_details": null,
            "payment_method_types": ["card", "sepa_debit"],
            "processing": null,
            "shipping": null,
            "statement_descriptor_suffix": payment.params.statement_descriptor_suffix,
            "status": match attempt.outcome {
                PaymentOutcome::Succeeded => "succeeded",
                PaymentOutcome::Pending => "processing",
                PaymentOutcome::Failed => "requires_payment_method",
            },
            "transfer_data": null,
        }),
    )
}

pub(crate) fn charge(payment: &Payment, attempt: &PaymentAttempt) -> Value {
    let amount = payment.params.total();
    let succeeded = attempt.outcome == PaymentOutcome::Succeeded;
    let refunded = payment.refunded();
    let mut charge = from_example(
        "charge",
        json!({
            "amount": amount,
            "amount_captured": if succeeded { amount } else { 0 },
            "amount_refunded": refunded,
            "balance_transaction": succeeded.then(|| format!("txn_{}", attempt.charge)),
            "billing_details": {"address": {"country": "DE"}, "email": attempt.email, "name": attempt.name},
            "captured": succeeded,
            "created": attempt.created,
            "currency": payment.params.currency,
            "description": null,
            "disputed": !payment.disputes.is_empty(),
            "failure_code": (attempt.outcome == PaymentOutcome::Failed).then_some("card_declined"),
            "failure_message": (attempt.outcome == PaymentOutcome::Failed).then_some("Your card was declined."),
            "id": attempt.charge,
            "metadata": payment.params.payment_metadata,
            "outcome": null,
            "paid": succeeded,
            "payment_intent": attempt.intent,
            "payment_method": format!("pm_{}", attempt.charge),
            "receipt_url": null,
            "refunded": succeeded && refunded == amount,
            // Stripe includes refunds only where they are expanded.
            "refunds": null,
            "shipping": null,
            "source": null,
            "statement_descriptor_suffix": payment.params.statement_descriptor_suffix,
            "status": attempt.outcome,
            "transfer_data": null,
        }),
    );
    let details = match &attempt.method {
        Method::Card { fingerprint, last4 } => card_details(fingerprint, last4, amount),
        Method::Debit => {
            overlay(&mut charge, json!({"payment_method_details": null}));
            debit_details(&attempt.email)
        }
    };
    overlay(&mut charge, json!({"payment_method_details": details}));
    charge
}

pub(crate) fn refund(payment: &Payment, attempt: &PaymentAttempt, refund: &Refund) -> Value {
    let mut object = from_example(
        "refund",
        json!({
            "amount": refund.amount,
            "balance_transaction": format!("txn_{}", refund.id),
            "charge": attempt.charge,
            "created": refund.created,
            "currency": payment.params.currency,
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "id": refund.id,
            "payment_intent": attempt.intent,
            "reason": "requested_by_customer",
            "status": refund.status,
        }),
    );
    if refund.status == RefundStatus::Failed {
        overlay(&mut object, json!({"failure_reason": "lost_or_stolen_card"}));
    }
    object
}

pub(crate) fn dispute(payment: &Payment, attempt: &PaymentAttempt, dispute: &Dispute) -> Value {
    let transactions = dispute.balance_transactions.iter();
    let transactions: Vec<Value> =
        transactions.map(|transaction| balance_transaction(payment, dispute, transaction)).collect();
    let case_type = if dispute.is_inquiry() { "inquiry" } else { "chargeback" };
    from_example(
        "dispute",
        json!({
            "amount": dispute.amount,
            "balance_transactions": transactions,
            "charge": attempt.charge,
            "created": dispute.created,
            "currency": payment.params.currency,
            "enhanced_eligibility_types": [],
            "evidence": {
                "uncategorized_text": (dispute.evidence_characters > 0).then(|| "\u{e9}".repeat(dispute.evidence_characters)),
            },
            "evidence_details": {
                "due_by": dispute.created.saturating_add(7 * 86_400),
                "has_evidence": dispute.status == DisputeStatus::UnderReview,
                "submission_count": u8::from(dispute.status == DisputeStatus::UnderReview),
            },
            "id": dispute.id,
            "is_charge_refundable": dispute.is_inquiry() && !dispute.is_closed(),
            "payment_intent": attempt.intent,
            "payment_method_details": {"card": {"case_type": case_type}},
            "reason": "fraudulent",
            "status": dispute.status,
        }),
    )
}

pub(crate) fn early_fraud_warning(attempt: &PaymentAttempt, id: &str, created: i64) -> Value {
    let mut warning =
        from_example("radar.early_fraud_warning", json!({"charge": attempt.charge, "created": created, "id": id}));
    overlay(&mut warning, json!({"payment_intent": attempt.intent}));
    warning
}

pub(crate) fn event(id: &str, created: i64, event_type: &str, object: Value, previous: Option<Value>) -> Value {
    let mut event = from_example(
        "event",
        json!({"api_version": API_VERSION, "created": created, "data": null, "id": id, "pending_webhooks": 1, "type": event_type}),
    );
    overlay(&mut event, json!({"data": {"object": object}}));
    if let Some(previous) = previous {
        overlay(&mut event, json!({"data": {"previous_attributes": previous}}));
    }
    event
}

pub(crate) fn webhook_endpoint(url: &str, enabled_events: &[String]) -> Value {
    from_example(
        "webhook_endpoint",
        json!({
            "api_version": API_VERSION,
            "description": null,
            "enabled_events": enabled_events,
            "id": "we_1FakePaymentsFakePayment",
            "url": url,
        }),
    )
}

/// The version of Stripe's API that the objects are in.
const API_VERSION: &str = "2026-09-30.endive";

fn customer_details(payment: &Payment) -> Option<Value> {
    match (&payment.attempt, &payment.params.customer_email) {
        (Some(attempt), _) => {
            Some(json!({"address": {"country": "DE"}, "email": attempt.email, "name": attempt.name, "tax_ids": []}))
        }
        (None, Some(email)) => Some(json!({"address": null, "email": email})),
        (None, None) => None,
    }
}

fn card_details(fingerprint: &str, last4: &str, amount: i64) -> Value {
    json!({"type": "card", "card": {
        "amount_authorized": amount,
        "fingerprint": fingerprint,
        "installments": null,
        "last4": last4,
        "network_token": null,
        "overcapture": {"maximum_amount_capturable": amount},
        "three_d_secure": null,
        "wallet": null,
    }})
}

fn debit_details(account: &str) -> Value {
    json!({"type": "sepa_debit", "sepa_debit": {
        "bank_code": "37040044",
        "branch_code": null,
        "country": "DE",
        "expected_debit_date": null,
        "fingerprint": ids::fingerprint(account),
        "last4": "3000",
        "mandate": null,
    }})
}

fn balance_transaction(payment: &Payment, dispute: &Dispute, transaction: &BalanceTransaction) -> Value {
    from_example(
        "balance_transaction",
        json!({
            "amount": transaction.amount,
            "available_on": transaction.created,
            "created": transaction.created,
            "currency": payment.params.currency,
            "description": null,
            "id": transaction.id,
            "net": transaction.amount,
            "reporting_category": if transaction.amount < 0 { "dispute" } else { "dispute_reversal" },
            "source": dispute.id,
            "type": "adjustment",
        }),
    )
}

fn line_items(payment: &Payment) -> Value {
    let params = &payment.params;
    let item = from_example(
        "item",
        json!({
            "adjustable_quantity": null,
            "amount_subtotal": params.subtotal(),
            "amount_tax": params.tax(),
            "amount_total": params.total(),
            "currency": params.currency,
            "description": params.name,
            "metadata": {},
            "price": {
                "created": payment.created,
                "currency": params.currency,
                "custom_unit_amount": null,
                "recurring": null,
                "tax_behavior": params.tax.map_or(json!("unspecified"), |behavior| json!(behavior)),
                "transform_quantity": null,
                "unit_amount": params.unit_amount,
                "unit_amount_decimal": params.unit_amount.to_string(),
            },
            "quantity": params.quantity,
        }),
    );
    json!({
        "object": "list",
        "data": [item],
        "has_more": false,
        "url": format!("/v1/checkout/sessions/{}/line_items", payment.id),
    })
}

fn from_example(name: &str, values: Value) -> Value {
    let mut object = EXAMPLES.get(name).cloned().unwrap_or_default();
    overlay(&mut object, values);
    object
}

/// Replaces `object` with `values`; where both are objects, field by field.
fn overlay(object: &mut Value, values: Value) {
    match (object, values) {
        (Value::Object(object), Value::Object(values)) => {
            for (name, value) in values {
                overlay(object.entry(name).or_insert(Value::Null), value);
            }
        }
        (object, values) => *object = values,
    }
}
