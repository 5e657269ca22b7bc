//! What staff do with a case beside deciding it: who has it, and their notes.

use std::collections::HashMap;

use domain::{
    AccountId,
    staff::{assignment::Assignment, notes::CaseNotes, open_case::OpenCaseId},
};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    item::{Item, decode, encode, expire_at, primary_key, text},
    keys,
    staff::record::record_hash,
    table::Table,
};

/// What is known of a case beside the case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseWork {
    /// Who has it.
    pub holder: Option<String>,
    /// The number of notes.
    pub notes: usize,
}

pub(crate) fn assignment_item(assignment: &Assignment) -> Result<Item, StoreError> {
    let mut item = encode(assignment, keys::assignment(&assignment.case), keys::ASSIGNMENT)?;
    expire_at(&mut item, assignment.expires_at());
    Ok(item)
}

pub(crate) fn notes_item(notes: &CaseNotes) -> Result<Item, StoreError> {
    let mut item = encode(notes, keys::account(notes.account), keys::case_notes(&notes.case))?;
    expire_at(&mut item, notes.expires_at());
    Ok(item)
}

impl Table {
    /// Reads who has a case.
    ///
    /// # Errors
    /// The call failed.
    pub async fn assignment(&self, case: &OpenCaseId) -> Result<Option<Assignment>, StoreError> {
        self.read(keys::assignment(&record_hash(&case.name())), keys::ASSIGNMENT).await
    }

    /// Reads the notes about a case of an account.
    ///
    /// # Errors
    /// The call failed.
    pub async fn case_notes(&self, account: AccountId, case: &OpenCaseId) -> Result<Option<CaseNotes>, StoreError> {
        self.read(keys::account(account), keys::case_notes(&case.name())).await
    }

    /// Reads what is known of these cases at `now`, in the order of the cases.
    ///
    /// # Errors
    /// A call failed.
    pub async fn case_work(&self, cases: &[OpenCaseId], now: Timestamp) -> Result<Vec<CaseWork>, StoreError> {
        let keys = cases.iter().flat_map(|case| {
            let notes = case.account().map(|account| (keys::account(account), keys::case_notes(&case.name())));
            let assignment = (keys::assignment(&record_hash(&case.name())), keys::ASSIGNMENT.to_owned());
            notes.into_iter().chain([assignment]).map(|(pk, sk)| primary_key(pk, sk))
        });
        let (mut holders, mut notes) = (HashMap::new(), HashMap::new());
        for item in self.read_all(keys.collect()).await? {
            if text(&item, "sk").as_deref() == Some(keys::ASSIGNMENT) {
                let assignment: Assignment = decode(item)?;
                holders.extend(assignment.holder_at(now).map(|holder| (assignment.case.clone(), holder.to_owned())));
            } else {
                let found: CaseNotes = decode(item)?;
                let count = if found.expires_at() > now { found.notes.len() } else { 0 };
                notes.insert(found.case, count);
            }
        }
        let work = |case: &OpenCaseId| CaseWork {
            holder: holders.remove(&record_hash(&case.name())),
            notes: notes.remove(&case.name()).unwrap_or_default(),
        };
        Ok(cases.iter().map(work).collect())
    }
}
