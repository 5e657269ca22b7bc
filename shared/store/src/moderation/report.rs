//! Reports in the table. They are in the partition of no account, but under a keyed hash of the address of their reporter.

use domain::moderation::{case::ReportKey, report::Report};
use jiff::Timestamp;

use crate::{
    due::{DueKind, DuePosition, PARTITION},
    error::StoreError,
    item::{Item, decode, decode_all, encode, expire_at, number, primary_key, string},
    keys,
    query::{Page, all},
    table::Table,
};

pub(crate) fn to_item(report: &Report) -> Result<Item, StoreError> {
    let mut item = encode(report, keys::reporter(&report.reporter), keys::report(report.id))?;
    expire_at(&mut item, report.expires_at());
    Ok(item)
}

pub(crate) fn key(report: &Report) -> Item {
    primary_key(keys::reporter(&report.reporter), keys::report(report.id))
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

    /// Marks a report of which the account is erased before a decision, so that `sweep` tells its reporter. Does nothing if the report
    /// was erased.
    ///
    /// # Errors
    /// The call failed.
    pub async fn mark_report_gone(&self, report: &Report, now: Timestamp) -> Result<(), StoreError> {
        let update = self
            .db
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key(report)))
            .update_expression("SET gone_at = :gone, due_at = :due, #partition = :partition")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#partition", PARTITION)
            .expression_attribute_values(":gone", string(now.to_string()))
            .expression_attribute_values(":due", number(now.as_second()))
            .expression_attribute_values(":partition", string(DueKind::Report.as_str()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(StoreError::call("UpdateItem")(error)),
        }
    }

    /// Lists the reports whose reporters are to be told that what they reported is gone, the longest due first, at most `limit`,
    /// starting after a position.
    ///
    /// # Errors
    /// A call failed.
    pub async fn gone_reports(
        &self,
        now: Timestamp,
        limit: usize,
        after: Option<DuePosition>,
    ) -> Result<Page<Report, DuePosition>, StoreError> {
        let Page { items: places, next } = self.due_keys(DueKind::Report, now, limit, after).await?;
        let mut items = Vec::new();
        for keys in places {
            let keys = keys.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            items.extend(self.item(keys).await?.map(decode::<Report>).transpose()?);
        }
        Ok(Page { items, next })
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
