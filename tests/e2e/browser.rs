//! Everything that a person does, in a real browser, against the stack of the suite.
//!
//! The journeys are in `tests/browser/`, and so is what every page is held to. Screenshots of each page stay in the target
//! folder, under `screens`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use interpreters::Node;

use crate::{tests, world::TestEnv};

tests![
    a_newcomer_does_everything_at_a_desk_by_day,
    a_newcomer_does_everything_on_a_phone_at_night,
    what_was_typed_is_kept_whatever_happens,
    p27_another_site_and_a_stolen_cookie_get_nothing_and_strangers_get_help,
    five_thousand_pictures_are_scrolled_through_and_nothing_moves,
];

async fn a_newcomer_does_everything_at_a_desk_by_day(world: &'static TestEnv) -> Result<()> {
    walk(world, "journeys.mjs", ("desktop", "light")).await
}

async fn a_newcomer_does_everything_on_a_phone_at_night(world: &'static TestEnv) -> Result<()> {
    walk(world, "journeys.mjs", ("phone", "dark")).await
}

async fn what_was_typed_is_kept_whatever_happens(world: &'static TestEnv) -> Result<()> {
    walk(world, "states.mjs", ("desktop", "dark")).await
}

async fn p27_another_site_and_a_stolen_cookie_get_nothing_and_strangers_get_help(
    world: &'static TestEnv,
) -> Result<()> {
    walk(world, "strangers.mjs", ("phone", "light")).await
}

async fn five_thousand_pictures_are_scrolled_through_and_nothing_moves(world: &'static TestEnv) -> Result<()> {
    walk(world, "gallery.mjs", ("desktop", "light")).await
}

async fn walk(world: &'static TestEnv, script: &str, (device, scheme): (&str, &str)) -> Result<()> {
    let folder = stack::workspace().join("tests/browser");
    let node = prepared(&folder)?;
    let screens = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screens");
    std::fs::create_dir_all(&screens)?;
    let output = node
        .command("node")
        .args([script, device, scheme])
        .current_dir(&folder)
        .env("BASE_URL", &world.base_url)
        .env("MEDIA_URL", &world.endpoint)
        .env("FAKE_PAYMENTS_URL", &world.fake_payments)
        .env("SCREENS", &screens)
        .output()
        .context("node cannot be run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn prepared(folder: &Path) -> Result<Node> {
    let node = interpreters::node(&mut ())?;
    node.install(folder, "what drives the browser", &mut ())?;
    Ok(node)
}
