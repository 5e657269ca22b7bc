//! The HTML pages. They are rendered on the server and contain no script.

mod checkout;
mod dashboard;
mod html;

use axum::Router;

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    dashboard::routes().merge(checkout::routes())
}
