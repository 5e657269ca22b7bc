//! Facts about payments that are not known yet.

use domain::{
    payments::payment::{PaymentFact, PaymentReference},
    registry::{DataFields, PARKED_DAYS},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    due::{DueKind, DuePosition, mark_due},
    error::StoreError,
    item::{Item, days_after, decode, encode, expire_at, primary_key},
    keys,
    query::Page,
    table::Table,
};

/// A fact about a payment that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct ParkedFact {
    /// What the provider names the payment by.
    #[data(plain, path = "Transaction.*")]
    pub reference: PaymentReference,
    /// The fact.
    #[data(nested)]
    pub fact: PaymentFact,
    /// When it was first reported.
    #[data(plain)]
    pub at: Timestamp,
    /// When the payment is looked up next.
    #[data(plain)]
    pub next_at: Timestamp,
}

/// Seconds until the payment of a parked fact is looked up for the first time.
const FIRST_RETRY_S: i64 = 60;

impl ParkedFact {
    /// Parks a fact at `now`, without what it says about a person: it belongs to no account yet.
    #[must_use]
    pub fn new(reference: PaymentReference, fact: PaymentFact, now: Timestamp) -> Self {
        let fact = fact.without_person();
        Self { reference, fact, at: now, next_at: now + SignedDuration::from_secs(FIRST_RETRY_S) }
    }

    /// Postpones the next look-up until the fact has waited twice as long, by an hour at most.
    #[must_use]
    pub fn postponed(&self, now: Timestamp) -> Self {
        let first = SignedDuration::from_secs(FIRST_RETRY_S);
        let waited = now.duration_since(self.at).max(first).min(SignedDuration::from_hours(1));
        Self { next_at: now + waited, ..self.clone() }
    }

    pub(crate) fn primary_key(&self) -> Item {
        primary_key(keys::payment_reference(&self.reference), keys::parked(&self.fact.name()))
    }
}

pub(crate) fn to_item(parked: &ParkedFact) -> Result<Item, StoreError> {
    let mut item = encode(parked, String::new(), "")?;
    item.extend(parked.primary_key());
    mark_due(&mut item, DueKind::Parked, parked.next_at);
    expire_at(&mut item, days_after(parked.at, PARKED_DAYS));
    Ok(item)
}

impl Table {
    /// Lists parked facts that are due at `now`, the longest due first, at most `limit`, starting after a position.
    ///
    /// # Errors
    /// A call failed.
    pub async fn due_parked(
        &self,
        now: Timestamp,
        limit: usize,
        after: Option<DuePosition>,
    ) -> Result<Page<ParkedFact, DuePosition>, StoreError> {
        let Page { items: places, next } = self.due_keys(DueKind::Parked, now, limit, after).await?;
        let mut items = Vec::new();
        for keys in places {
            let keys = keys.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            items.extend(self.item(keys).await?.map(decode::<ParkedFact>).transpose()?);
        }
        Ok(Page { items, next })
    }
}

#[cfg(test)]
mod tests {
    use domain::payments::payment::PaymentProvider;

    use super::*;

    #[test]
    fn parked_fact_is_retried_after_a_minute_and_hourly_at_last() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let reference = PaymentReference::Transaction(PaymentProvider::Stripe, "pi_1".to_owned());
        let parked = ParkedFact::new(reference, PaymentFact::FraudWarning { id: "issfr_1".to_owned() }, at(0));
        assert_eq!(parked.next_at, at(60));
        assert_eq!(parked.postponed(at(61)).next_at, at(122));
        assert_eq!(parked.postponed(at(3_600)).next_at, at(7_200));
        assert_eq!(parked.postponed(at(86_400)).next_at, at(90_000));
        let item = to_item(&parked).unwrap();
        assert_eq!(item["pk"].as_s().unwrap(), "PAYMENT#stripe#pi_1");
        assert_eq!(item["sk"].as_s().unwrap(), "PARKED#warning-issfr_1");
        assert_eq!(decode::<ParkedFact>(item).unwrap(), parked);
    }
}
