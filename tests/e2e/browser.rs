//! Runs the journeys of a user in a real browser against the stack of the suite.
//!
//! The journeys and the checks of every page are in `tests/browser/`. Screenshots of each page are written to
//! `screens` in the target folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use interpreters::Node;

use crate::{
    catalogue::PUBLISHING,
    env::{test_env::TestEnv, trial::tests},
};

tests![
    new_user_completes_every_journey_on_desktop_in_light_theme,
    new_user_completes_every_journey_on_phone_in_dark_theme,
    typed_input_survives_errors_and_page_states,
    p27_cross_site_requests_and_stolen_cookies_are_refused,
    gallery_of_5000_images_scrolls_without_layout_shift,
    pages_are_complete_on_phones_when_zoomed_and_in_german,
    each_role_of_staff_works_in_the_console_on_desktop_in_light_theme,
    each_role_of_staff_works_in_the_console_on_phone_in_dark_theme,
    report_is_decided_and_appealed_by_those_whom_it_concerns,
    price_changed_in_the_console_is_quoted_and_retired_model_leaves_the_studio,
];

async fn new_user_completes_every_journey_on_desktop_in_light_theme(env: &'static TestEnv) -> Result<()> {
    walk(env, "journeys.mjs", ("desktop", "light")).await
}

async fn new_user_completes_every_journey_on_phone_in_dark_theme(env: &'static TestEnv) -> Result<()> {
    walk(env, "journeys.mjs", ("phone", "dark")).await
}

async fn typed_input_survives_errors_and_page_states(env: &'static TestEnv) -> Result<()> {
    walk(env, "states.mjs", ("desktop", "dark")).await
}

async fn p27_cross_site_requests_and_stolen_cookies_are_refused(env: &'static TestEnv) -> Result<()> {
    walk(env, "strangers.mjs", ("phone", "light")).await
}

async fn gallery_of_5000_images_scrolls_without_layout_shift(env: &'static TestEnv) -> Result<()> {
    walk(env, "gallery.mjs", ("desktop", "light")).await
}

async fn pages_are_complete_on_phones_when_zoomed_and_in_german(env: &'static TestEnv) -> Result<()> {
    walk(env, "pages.mjs", ("phone", "dark")).await
}

async fn each_role_of_staff_works_in_the_console_on_desktop_in_light_theme(env: &'static TestEnv) -> Result<()> {
    walk(env, "console.mjs", ("desktop", "light")).await
}

async fn each_role_of_staff_works_in_the_console_on_phone_in_dark_theme(env: &'static TestEnv) -> Result<()> {
    walk(env, "console.mjs", ("phone", "dark")).await
}

async fn report_is_decided_and_appealed_by_those_whom_it_concerns(env: &'static TestEnv) -> Result<()> {
    walk(env, "moderation.mjs", ("desktop", "dark")).await
}

async fn price_changed_in_the_console_is_quoted_and_retired_model_leaves_the_studio(
    env: &'static TestEnv,
) -> Result<()> {
    let _publishing = PUBLISHING.lock().await;
    walk(env, "catalogue.mjs", ("desktop", "light")).await
}

async fn walk(env: &'static TestEnv, script: &str, (device, scheme): (&str, &str)) -> Result<()> {
    let folder = stack::workspace().join("tests/browser");
    let node = prepared(&folder)?;
    let screens = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screens");
    std::fs::create_dir_all(&screens)?;
    let output = node
        .command("node")
        .args([script, device, scheme])
        .current_dir(&folder)
        .env("BASE_URL", &env.base_url)
        .env("MEDIA_URL", &env.endpoint)
        .env("FAKE_PAYMENTS_URL", &env.fake_payments)
        .env("SCREENS", &screens)
        .output()
        .context("node cannot be run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn prepared(folder: &Path) -> Result<Node> {
    let node = interpreters::node(&mut ())?;
    node.install(folder, "the browser driver", &mut ())?;
    Ok(node)
}
