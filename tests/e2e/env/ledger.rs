//! The check that a ledger gives the balance of its account.

use anyhow::{Context, Result, anyhow};
use domain::{AccountId, GenerationId, credits::ledger};
use jiff::Timestamp;
use store::Table;

use crate::env::{
    table::{Item, account_items, string},
    test_env::TestUser,
};

/// Checks that the entries of an account sum to its balance, that every reservation of an ended generation is settled
/// or released once, and that every entry sums to zero.
pub async fn check_ledger(user: &TestUser) -> Result<()> {
    check_entries(&user.env.table()?, &user.account_id, &account_items(user).await?).await
}

/// Checks the entries of an account against its stored balance and its open generations among these items.
pub async fn check_entries(table: &Table, account: &str, items: &[Item]) -> Result<()> {
    let id: AccountId = account.parse()?;
    let is_open = |item: &&Item| matches!(string(item, "status"), "queued" | "running" | "canceling");
    let open = items.iter().filter(is_open).filter_map(|item| string(item, "sk").strip_prefix("GENERATION#"));
    let open = open.map(str::parse).collect::<Result<Vec<GenerationId>, _>>()?;
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let page = table.entries(id, (Timestamp::UNIX_EPOCH, Timestamp::MAX), 100, after).await?;
        entries.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let balance = table.account(id).await?.with_context(|| format!("{id}: the account does not exist"))?.balance;
    ledger::audit(&entries, balance, &open).map_err(|drift| anyhow!("{id}: {drift}"))
}
