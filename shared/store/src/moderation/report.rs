//! Reports in the table. They are in the partition of no account, but under a keyed hash of the address of their reporter.

use domain::moderation::{case::ReportKey, report::Report};

use crate::{
    error::StoreError,
    item::{Item, decode_all, encode, expire_at, primary_key, string},
    keys,
    query::all,
    table::Table,
};

pub(crate) fn to_item(report: &Report) -> Result<Item, StoreError> {
    let mut item = encode(report, keys::reporter(&report.reporter), keys::report(report.id))?;
    expire_at(&mut item, report.expires_at());
    Ok(item)
}

impl Table {
    /// Reads the reports with these keys that were not erased.
    ///
    /// # Errors
    /// A call failed.
    pub async fn reports(&self, keys: &[ReportKey]) -> Result<Vec<Report>, StoreError> {
        let keys = keys.iter().map(|key| primary_key(keys::reporter(&key.reporter), keys::report(key.id)));
        decode_all(Some(self.read_all(keys.collect()).await?))
    }

    /// Deletes the reports from an address. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_reports(&self, reporter: &str) -> Result<(), StoreError> {
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::reporter(reporter)));
        let reports: Vec<Report> = all(query).await?;
        let keys = reports.iter().map(|report| primary_key(keys::reporter(reporter), keys::report(report.id)));
        self.delete_all(keys.collect()).await
    }
}
