//! Roles of staff members. Each operation for staff names the roles that may call it.

use serde::{Deserialize, Serialize};

/// A role of a staff member: a group of the user pool.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers tickets and looks into accounts.
    Support,
    /// Decides about payments and credits.
    Finance,
    /// Decides about reports and appeals.
    Moderation,
    /// May do everything.
    Administrator,
}

impl Role {
    /// Lists all roles.
    pub const ALL: [Self; 4] = [Self::Support, Self::Finance, Self::Moderation, Self::Administrator];

    /// Returns the name of its group in the user pool.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Finance => "finance",
            Self::Moderation => "moderation",
            Self::Administrator => "administrator",
        }
    }

    /// Returns the role of a group of the user pool. The name must be exact.
    #[must_use]
    pub fn of_group(group: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.group() == group)
    }

    /// Tells whether a member with this role may do what is for `roles`. An administrator may do all of it, but nothing that is
    /// for no role.
    #[must_use]
    pub fn is_among(self, roles: &[Self]) -> bool {
        !roles.is_empty() && (self == Self::Administrator || roles.contains(&self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_group_is_a_role() {
        for role in Role::ALL {
            assert_eq!(Role::of_group(role.group()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.group());
            assert_eq!(serde_json::from_value::<Role>(role.group().into()).unwrap(), role);
        }
        for group in ["", "Support", "support ", "supporters", "staff"] {
            assert_eq!(Role::of_group(group), None, "{group}");
        }
    }

    #[test]
    fn administrator_may_do_what_is_for_staff_and_nothing_else() {
        assert!(Role::Administrator.is_among(&[Role::Finance]));
        assert!(Role::Finance.is_among(&[Role::Support, Role::Finance]));
        assert!(!Role::Support.is_among(&[Role::Finance]));
        assert!(!Role::Administrator.is_among(&[]));
    }
}
