//! The statement of the ledger.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::env::{test_env::TestEnv, trial::tests};

tests![p4_statement_balances_match_and_activity_is_listed,];

async fn p4_statement_balances_match_and_activity_is_listed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    for _ in 0..2 {
        ada.finished_image("a page").await?;
    }
    let whole = ada.get("/v1/account/statement").await?.is(200)?.json;
    ensure!(whole["opening"] == json!({"available": 0, "held": 0}), "{whole}");
    ensure!(whole["closing"] == json!({"available": 38, "held": 0}), "{whole}");
    let prompts: Vec<_> = whole["prompts"].as_array().into_iter().flatten().map(|view| &view["prompt"]).collect();
    ensure!(prompts == ["a page"; 2], "{whole}");
    let mut pages = Vec::new();
    let mut path = "/v1/account/statement?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await?.is(200)?.json;
        let next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) => path = format!("/v1/account/statement?limit=2&cursor={next}"),
            None => break,
        }
    }
    ensure!(pages.len() == 3, "five entries on pages of two");
    for pair in pages.windows(2) {
        ensure!(pair[0]["closing"] == pair[1]["opening"]);
    }
    let later = ada.get("/v1/account/statement?from=2100-01-01T00:00:00Z&to=2101-01-01T00:00:00Z").await?.is(200)?;
    ensure!(later.json["opening"] == whole["closing"] && later.json["closing"] == whole["closing"]);
    let upside_down = ada.get("/v1/account/statement?from=2101-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").await?;
    ensure!(upside_down.is(400)?.fields() == ["from"]);
    let activity = ada.get("/v1/account/activity").await?.is(200)?.json.to_string();
    ensure!(activity.contains("sign_in") && activity.contains("submit"), "{activity}");
    Ok(())
}
