//! Writes ledger entries and payments as CSV, [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180).
//!
//! A spreadsheet may run a text from a person or a provider as a formula. An apostrophe before such a text prevents that
//! ([OWASP](https://owasp.org/www-community/attacks/CSV_Injection)).

use csv::{Terminator, WriterBuilder};
use domain::{
    credits::ledger::{Cause, CreditBucket, LedgerEntry},
    money::Money,
    payments::payment::Payment,
};
use jiff::Timestamp;

/// Names the columns of the ledger.
pub(crate) const LEDGER_COLUMNS: &[&str] = &[
    "id",
    "at",
    "cause",
    "generation",
    "payment",
    "bought",
    "granted",
    "gifted",
    "available",
    "held",
    "spent",
    "reversed",
    "available_after",
    "held_after",
];
/// Names the columns of the payments.
pub(crate) const PAYMENT_COLUMNS: &[&str] = &[
    "id",
    "created_at",
    "provider",
    "package",
    "credits",
    "price",
    "currency",
    "status",
    "paid_at",
    "total",
    "net",
    "transaction",
    "billing_email",
    "country",
    "returned",
    "granted",
    "clawed_back",
];

/// Writes a header row.
///
/// # Errors
/// The row cannot be written, which does not happen in memory.
pub(crate) fn header(columns: &[&str]) -> csv::Result<String> {
    row(columns)
}

/// Writes a ledger entry as a row of [`LEDGER_COLUMNS`].
///
/// # Errors
/// As for [`header`].
pub(crate) fn entry(entry: &LedgerEntry) -> csv::Result<String> {
    let (cause, generation, payment) = match entry.cause {
        Cause::Welcome => ("welcome", None, None),
        Cause::Reserve { generation } => ("reserve", Some(generation), None),
        Cause::Settle { generation } => ("settle", Some(generation), None),
        Cause::Release { generation } => ("release", Some(generation), None),
        Cause::Purchase { payment } => ("purchase", None, Some(payment)),
        Cause::ClawBack { payment } => ("claw_back", None, Some(payment)),
        Cause::Restore { payment } => ("restore", None, Some(payment)),
        Cause::Adjustment { .. } => ("adjustment", None, None),
        Cause::Redemption { .. } => ("redemption", None, None),
        Cause::Gift { .. } => ("gift", None, None),
    };
    let posted = |bucket: CreditBucket| {
        let postings = entry.postings.iter().filter(|posting| posting.bucket == bucket);
        postings.map(|posting| posting.amount.0).sum::<i64>().to_string()
    };
    let mut fields =
        vec![entry.id.to_string(), entry.at.to_string(), cause.to_owned(), or_empty(generation), or_empty(payment)];
    let buckets = [
        CreditBucket::Bought,
        CreditBucket::Granted,
        CreditBucket::Gifted,
        CreditBucket::Available,
        CreditBucket::Held,
        CreditBucket::Spent,
        CreditBucket::Reversed,
    ];
    fields.extend(buckets.map(posted));
    fields.extend([entry.balance_after.available.to_string(), entry.balance_after.held.to_string()]);
    row(fields)
}

/// Writes a payment as a row of [`PAYMENT_COLUMNS`].
///
/// # Errors
/// As for [`header`].
pub(crate) fn payment(payment: &Payment) -> csv::Result<String> {
    let receipt = payment.receipt.as_ref();
    let money = |money: Option<Money>| money.map(Money::decimal).unwrap_or_default();
    let currency = payment.price.currency;
    row([
        payment.id.to_string(),
        payment.created_at.to_string(),
        payment.provider.as_str().to_owned(),
        guarded(&payment.package),
        payment.credits.to_string(),
        money(Some(payment.price)),
        currency.code().to_owned(),
        payment.status().as_str().to_owned(),
        or_empty::<Timestamp>(receipt.map(|receipt| receipt.at)),
        money(receipt.map(|receipt| receipt.total)),
        money(receipt.map(|receipt| receipt.net)),
        guarded(receipt.map_or("", |receipt| &receipt.transaction)),
        guarded(receipt.and_then(|receipt| receipt.billing_email.as_deref()).unwrap_or_default()),
        guarded(receipt.and_then(|receipt| receipt.country.as_deref()).unwrap_or_default()),
        money(Some(Money::new(payment.amount_returned(), currency))),
        payment.granted.to_string(),
        payment.clawed_back.to_string(),
    ])
}

fn or_empty<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Keeps a spreadsheet from running a text as a formula.
fn guarded(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn row<T: AsRef<[u8]>>(fields: impl IntoIterator<Item = T>) -> csv::Result<String> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(fields)?;
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountId, Credits, LedgerEntryId, PaymentId,
        accounts::account::Account,
        catalogue,
        money::Currency,
        payments::payment::{PaymentFact, PaymentProvider, PaymentReceipt},
    };
    use uuid::Uuid;

    use super::*;

    const AT: &str = "2026-11-22T23:00:00Z";

    fn column_count(row: &str) -> usize {
        row.split(',').count()
    }

    #[test]
    fn ledger_entry_is_written_as_a_row() {
        let id = LedgerEntryId(Uuid::nil());
        let opened =
            Account::open(AccountId(Uuid::nil()), String::new(), Credits(7), id, AT.parse().unwrap()).1.unwrap();
        assert_eq!(entry(&opened).unwrap(), format!("{id},{AT},welcome,,,0,-7,0,7,0,0,0,7,0\r\n"));
        assert_eq!(LEDGER_COLUMNS.len(), column_count(&entry(&opened).unwrap()));
        assert_eq!(column_count(&header(LEDGER_COLUMNS).unwrap()), LEDGER_COLUMNS.len());
    }

    fn paid(billing_email: &str) -> String {
        let (now, provider) = (AT.parse().unwrap(), PaymentProvider::Paypal);
        let package = &catalogue::compiled().packages[0];
        let price = Money::new(999, Currency::Eur);
        let opened = Payment::open(PaymentId(Uuid::nil()), AccountId(Uuid::nil()), provider, (package, price), now);
        let receipt = PaymentReceipt {
            provider,
            net: price,
            total: price,
            transaction: "8XY".to_owned(),
            billing_email: Some(billing_email.to_owned()),
            country: Some("DE".to_owned()),
            at: now,
        };
        payment(&opened.with_fact(&PaymentFact::Paid(receipt), now).unwrap()).unwrap()
    }

    #[test]
    fn payment_is_written_as_a_row() {
        let row = paid("ada@example.com");
        let id = Uuid::nil();
        assert!(row.starts_with(&format!("{id},{AT},paypal,")), "{row}");
        assert!(row.ends_with(&format!(",9.99,EUR,paid,{AT},9.99,9.99,8XY,ada@example.com,DE,0.00,0,0\r\n")), "{row}");
        assert_eq!(PAYMENT_COLUMNS.len(), column_count(&row));
    }

    #[test]
    fn a_text_from_outside_is_no_formula_and_breaks_no_row() {
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
