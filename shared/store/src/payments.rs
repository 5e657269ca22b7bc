//! Payments: in the drawer of who pays, and beside it what finds them and what waits for them.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::{
    AccountId, PaymentId,
    accounts::account::Account,
    payments::payment::{Payment, PaymentFact, PaymentReference, UnclaimedPayment},
    registry,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    DueKind, Page, StoreError, Table,
    item::{Item, TTL, decode, due, encode, key, keys, live_until, number},
    listing::{all, decode_all, page},
};

/// A fact about a payment that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedFact {
    /// What its messenger names the payment by.
    pub reference: PaymentReference,
    /// The fact.
    pub fact: PaymentFact,
    /// When it was first heard.
    pub at: Timestamp,
    /// When it is looked at again.
    pub next_at: Timestamp,
}

/// Seconds until a parked fact is looked at for the first time.
const FIRST_LOOK_S: i64 = 60;

impl ParkedFact {
    /// Heard at `now`. It lies in nobody's drawer, so it says nothing about a person.
    #[must_use]
    pub fn new(reference: PaymentReference, fact: PaymentFact, now: Timestamp) -> Self {
        let fact = fact.without_person();
        Self { reference, fact, at: now, next_at: now + SignedDuration::from_secs(FIRST_LOOK_S) }
    }

    /// Looked at in vain: next when it has waited twice as long, and within an hour.
    #[must_use]
    pub fn postponed(&self, now: Timestamp) -> Self {
        let first = SignedDuration::from_secs(FIRST_LOOK_S);
        let waited = now.duration_since(self.at).max(first).min(SignedDuration::from_hours(1));
        Self { next_at: now + waited, ..self.clone() }
    }

    pub(crate) fn keys(&self) -> Item {
        keys(key::payment_reference(&self.reference), key::parked(&self.fact.name()))
    }
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    account: AccountId,
    payment: PaymentId,
}

pub(crate) fn payment(payment: &Payment) -> Result<Item, StoreError> {
    let mut item = encode(payment, key::account(payment.account), key::payment(payment.id))?;
    if let Some(at) = payment.poll_at {
        due(&mut item, DueKind::Checkout, at);
    } else if let Some(review) = payment.review.as_ref().filter(|_| payment.awaits_decision()) {
        due(&mut item, DueKind::Review, review.at);
    }
    if let Some(until) = payment.kept_until() {
        live_until(&mut item, until);
    }
    Ok(item)
}

pub(crate) fn pointer(reference: &PaymentReference, payment: &Payment) -> Result<Item, StoreError> {
    let pointer = Pointer { account: payment.account, payment: payment.id };
    let mut item = encode(&pointer, key::payment_reference(reference), key::POINTER)?;
    if let Some(until) = payment.kept_until() {
        live_until(&mut item, until);
    }
    Ok(item)
}

pub(crate) fn parked(parked: &ParkedFact) -> Result<Item, StoreError> {
    let mut item = encode(parked, String::new(), "")?;
    item.extend(parked.keys());
    due(&mut item, DueKind::Parked, parked.next_at);
    live_until(&mut item, days_after(parked.at, registry::PARKED_DAYS));
    Ok(item)
}

pub(crate) fn unclaimed_payment(unclaimed: &UnclaimedPayment) -> Result<Item, StoreError> {
    let mut item =
        encode(unclaimed, key::payment_reference(&PaymentReference::Payment(unclaimed.payment)), key::UNCLAIMED)?;
    if unclaimed.refunded_at.is_none() {
        due(&mut item, DueKind::Unclaimed, unclaimed.at);
    }
    live_until(&mut item, days_after(unclaimed.at, registry::UNCLAIMED_DAYS));
    Ok(item)
}

fn days_after(at: Timestamp, days: u32) -> Timestamp {
    at + SignedDuration::from_hours(24 * i64::from(days))
}

impl Table {
    /// A payment.
    ///
    /// # Errors
    /// The call failed.
    pub async fn payment(&self, account: AccountId, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.item(keys(key::account(account), key::payment(id))).await?.map(decode).transpose()
    }

    /// An account and one of its payments, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_payment(
        &self,
        account: AccountId,
        id: PaymentId,
    ) -> Result<(Option<Account>, Option<Payment>), StoreError> {
        let (first, second) = self.pair(account, key::payment(id)).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// Where the payment lies that a messenger names so.
    ///
    /// # Errors
    /// The call failed.
    pub async fn find_payment(
        &self,
        reference: &PaymentReference,
    ) -> Result<Option<(AccountId, PaymentId)>, StoreError> {
        let found = self.item(keys(key::payment_reference(reference), key::POINTER)).await?;
        let pointer: Option<Pointer> = found.map(decode).transpose()?;
        Ok(pointer.map(|pointer| (pointer.account, pointer.payment)))
    }

    /// Money that came for this payment, which was gone.
    ///
    /// # Errors
    /// The call failed.
    pub async fn unclaimed_payment(&self, payment: PaymentId) -> Result<Option<UnclaimedPayment>, StoreError> {
        let pk = key::payment_reference(&PaymentReference::Payment(payment));
        self.item(keys(pk, key::UNCLAIMED)).await?.map(decode).transpose()
    }

    /// Payments of an account, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn payments(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<PaymentId>,
    ) -> Result<Page<Payment, PaymentId>, StoreError> {
        let start = after.map(|id| keys(key::account(account), key::payment(id)));
        let query = self.in_partition(account, all("PAYMENT#")).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |payment: &Payment| payment.id).await
    }

    /// Every payment of an account, as things stand.
    ///
    /// # Errors
    /// A call failed.
    pub async fn all_payments(&self, account: AccountId) -> Result<Vec<Payment>, StoreError> {
        let mut payments = Vec::new();
        let mut start = None;
        loop {
            let query = self.in_partition(account, all("PAYMENT#")).consistent_read(true);
            let answer = query.set_exclusive_start_key(start).send().await.map_err(StoreError::of("Query"))?;
            payments.extend(decode_all::<Payment>(answer.items)?);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(payments);
            }
        }
    }

    /// Facts that wait for their payment and are due at `now`, the longest due first, `limit` at most.
    ///
    /// # Errors
    /// A call failed.
    pub async fn due_parked(&self, now: Timestamp, limit: usize) -> Result<Vec<ParkedFact>, StoreError> {
        let mut found = Vec::new();
        for keys in self.due_keys(DueKind::Parked, now, limit, None).await? {
            let keys = keys.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            found.extend(self.item(keys).await?.map(decode::<ParkedFact>).transpose()?);
        }
        Ok(found)
    }

    /// Notes that `what` was seen with `who` in the window that `now` lies in, and answers how many different ones there
    /// were, this one included. Both are keyed hashes.
    ///
    /// # Errors
    /// The call failed.
    pub async fn count_different_in_window(
        &self,
        kind: &str,
        (who, what): (&str, &str),
        window_s: i64,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let window = now.as_second() / window_s.max(1);
        let answer = self
            .db
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys(key::window(kind, &format!("{who}#{window}")), key::WINDOW)))
            .update_expression("ADD seen :what SET #ttl = :ttl")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":what", AttributeValue::Ss(vec![what.to_owned()]))
            .expression_attribute_values(":ttl", number((window + 2) * window_s))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(StoreError::of("UpdateItem"))?;
        let seen = answer.attributes.as_ref().and_then(|item| item.get("seen"));
        let seen = seen.and_then(|seen| seen.as_ss().ok()).map_or(usize::MAX, Vec::len);
        Ok(u32::try_from(seen).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use domain::payments::payment::PaymentProvider;

    use super::*;

    #[test]
    fn a_parked_fact_is_looked_at_after_a_minute_and_then_ever_more_rarely_down_to_once_an_hour() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let reference = PaymentReference::Transaction(PaymentProvider::Stripe, "pi_1".to_owned());
        let parked = ParkedFact::new(reference, PaymentFact::FraudWarning { id: "issfr_1".to_owned() }, at(0));
        assert_eq!(parked.next_at, at(60));
        assert_eq!(parked.postponed(at(61)).next_at, at(122));
        assert_eq!(parked.postponed(at(3_600)).next_at, at(7_200));
        assert_eq!(parked.postponed(at(86_400)).next_at, at(90_000));
        let item = super::parked(&parked).unwrap();
        assert_eq!(item["pk"].as_s().unwrap(), "PAYMENT#stripe#pi_1");
        assert_eq!(item["sk"].as_s().unwrap(), "PARKED#warning-issfr_1");
        assert_eq!(decode::<ParkedFact>(item).unwrap(), parked);
    }
}
