//! Describes the API of the activity log.

use domain::ActivityId;
use jiff::Timestamp;
use serde::Serialize;
use store::{Activity, ActivityKind};
use utoipa::ToSchema;

use crate::operation::{Parameter::Page, operations};

operations! {
    /// Lists sign-ins, submissions and checkouts with their network address and client, newest first. Each is kept for 90
    /// days.
    LIST = get("/v1/account/activity", "account")
        .parameters(&[Page]).returns::<ActivityPage>(200).problems(&[400]);
}

/// Shows what the account owner did, from where, and with which client.
#[derive(Serialize, ToSchema)]
pub struct ActivityView {
    /// The id.
    pub id: ActivityId,
    /// `sign_in`, `submit` or `checkout`.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// The network address of the client.
    pub address: String,
    /// The user agent of the client.
    pub user_agent: String,
}

impl From<Activity> for ActivityView {
    fn from(activity: Activity) -> Self {
        Self {
            id: activity.id,
            kind: match activity.kind {
                ActivityKind::SignIn => "sign_in".to_owned(),
                ActivityKind::Submit => "submit".to_owned(),
                ActivityKind::Checkout => "checkout".to_owned(),
            },
            at: activity.at,
            address: activity.address,
            user_agent: activity.user_agent,
        }
    }
}

/// Shows a page of activity, newest first.
#[derive(Serialize, ToSchema)]
pub struct ActivityPage {
    /// The activity.
    pub items: Vec<ActivityView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
