//! Ledger and payments as tables, [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180).
//!
//! What others chose could be read as a formula by a spreadsheet; an apostrophe before it makes it text
//! ([OWASP](https://owasp.org/www-community/attacks/CSV_Injection)).

use domain::{
    credits::ledger::{Cause, CreditBucket, LedgerEntry},
    money::Money,
    payments::payment::Payment,
};
use jiff::Timestamp;

/// The first row of the ledger.
pub(crate) const LEDGER: &str =
    "id,at,cause,generation,payment,bought,granted,available,held,spent,reversed,available_after,held_after\r\n";
/// The first row of the payments.
pub(crate) const PAYMENTS: &str = "id,created_at,provider,package,credits,price,currency,status,paid_at,total,net,transaction,billing_email,country,returned,granted,taken_back\r\n";

/// An entry of the ledger as a row.
pub(crate) fn entry(entry: &LedgerEntry) -> String {
    let (cause, generation, payment) = match entry.cause {
        Cause::Welcome => ("welcome", None, None),
        Cause::Reserve { generation } => ("reserve", Some(generation), None),
        Cause::Settle { generation } => ("settle", Some(generation), None),
        Cause::Release { generation } => ("release", Some(generation), None),
        Cause::Purchase { payment } => ("purchase", None, Some(payment)),
        Cause::ClawBack { payment } => ("claw_back", None, Some(payment)),
        Cause::Restore { payment } => ("restore", None, Some(payment)),
    };
    let moved = |bucket: CreditBucket| {
        let postings = entry.postings.iter().filter(|posting| posting.bucket == bucket);
        postings.map(|posting| posting.amount.0).sum::<i64>().to_string()
    };
    let mut row =
        vec![entry.id.to_string(), entry.at.to_string(), cause.to_owned(), or_nothing(generation), or_nothing(payment)];
    let buckets = [
        CreditBucket::Bought,
        CreditBucket::Granted,
        CreditBucket::Available,
        CreditBucket::Held,
        CreditBucket::Spent,
        CreditBucket::Reversed,
    ];
    row.extend(buckets.map(moved));
    row.extend([entry.balance_after.available.to_string(), entry.balance_after.held.to_string()]);
    joined(row)
}

/// A payment as a row.
pub(crate) fn payment(payment: &Payment) -> String {
    let receipt = payment.receipt.as_ref();
    let money = |money: Option<Money>| money.map(Money::decimal).unwrap_or_default();
    let currency = payment.price.currency;
    joined([
        payment.id.to_string(),
        payment.created_at.to_string(),
        payment.provider.as_str().to_owned(),
        text(&payment.package),
        payment.credits.to_string(),
        money(Some(payment.price)),
        currency.code().to_owned(),
        payment.status().as_str().to_owned(),
        or_nothing::<Timestamp>(receipt.map(|receipt| receipt.at)),
        money(receipt.map(|receipt| receipt.total)),
        money(receipt.map(|receipt| receipt.net)),
        text(receipt.map_or("", |receipt| &receipt.transaction)),
        text(receipt.and_then(|receipt| receipt.billing_email.as_deref()).unwrap_or_default()),
        text(receipt.and_then(|receipt| receipt.country.as_deref()).unwrap_or_default()),
        money(Some(Money::new(payment.amount_returned(), currency))),
        payment.granted.to_string(),
        payment.clawed_back.to_string(),
    ])
}

fn or_nothing<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// What others chose.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn joined(fields: impl IntoIterator<Item = String>) -> String {
    let fields: Vec<_> = fields.into_iter().map(quoted).collect();
    fields.join(",") + "\r\n"
}

fn quoted(field: String) -> String {
    if field.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountId, Credits, LedgerEntryId, PaymentId,
        accounts::account::Account,
        catalogue::packages,
        money::Currency,
        payments::payment::{PaymentFact, PaymentProvider, PaymentReceipt},
    };
    use uuid::Uuid;

    use super::*;

    const AT: &str = "2026-11-22T23:00:00Z";

    fn columns(row: &str) -> usize {
        row.split(',').count()
    }

    #[test]
    fn an_entry_is_a_row() {
        let id = LedgerEntryId(Uuid::nil());
        let opened =
            Account::open(AccountId(Uuid::nil()), String::new(), Credits(7), id, AT.parse().unwrap()).1.unwrap();
        assert_eq!(entry(&opened), format!("{id},{AT},welcome,,,0,-7,7,0,0,0,7,0\r\n"));
        assert_eq!(columns(LEDGER), columns(&entry(&opened)));
    }

    fn paid(billing_email: &str) -> String {
        let (now, rail) = (AT.parse().unwrap(), PaymentProvider::Paypal);
        let package = &packages::PACKAGES[0];
        let price = Money::new(999, Currency::Eur);
        let opened = Payment::open(PaymentId(Uuid::nil()), AccountId(Uuid::nil()), rail, (package, price), now);
        let receipt = PaymentReceipt {
            provider: rail,
            net: price,
            total: price,
            transaction: "8XY".to_owned(),
            billing_email: Some(billing_email.to_owned()),
            country: Some("DE".to_owned()),
            at: now,
        };
        payment(&opened.with_fact(&PaymentFact::Paid(receipt), now).unwrap())
    }

    #[test]
    fn a_payment_is_a_row() {
        let row = paid("ada@example.com");
        let id = Uuid::nil();
        assert!(row.starts_with(&format!("{id},{AT},paypal,")), "{row}");
        assert!(row.ends_with(&format!(",9.99,EUR,paid,{AT},9.99,9.99,8XY,ada@example.com,DE,0.00,0,0\r\n")), "{row}");
        assert_eq!(columns(PAYMENTS), columns(&row));
    }

    #[test]
    fn what_others_chose_is_no_formula_and_breaks_no_row() {
        for (chosen, field) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+1@example.com", "'+1@example.com"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=a\r\nb", "\"'=a\r\nb\""),
            ("ada@example.com", "ada@example.com"),
        ] {
            assert!(paid(chosen).contains(&format!(",8XY,{field},DE,0.00,")), "{chosen}: {}", paid(chosen));
        }
    }
}
