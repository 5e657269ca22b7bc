//! Staff: the audit log of staff access, the justification of each access, the approvals of a second staff member,
//! roles, the record of all acts, and what staff work with: who has which case, notes, and templates.

pub mod administrators;
pub mod approval;
pub mod assignment;
pub mod audit;
pub mod daily_sum;
pub mod invitation;
pub mod justification;
pub mod notes;
pub mod open_case;
pub mod record;
pub mod reply_templates;
pub mod role;
