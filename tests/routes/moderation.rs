//! Reports, decisions and appeals.

use anyhow::{Context, Result, ensure};
use domain::{
    CaseId, CaseNoticeId,
    moderation::{
        case::{Case, DecisionAction, NewDecision, RepeatRule},
        report::ReportReason,
    },
};
use jiff::Timestamp;
use runtime::clock;
use serde_json::{Value, json};
use store::Write;

use crate::world::{Answer, World};

/// The public generation of the seed, and the case about it.
const GENERATION: &str = "0199c8a3-55d0-7c1b-a4e6-90b1c2d3e4f5";
const CASE: &str = "0199c8a7-1a2b-7c3d-8e4f-5061728394a5";

impl World {
    /// Returns the public items.
    async fn explore(&self) -> Result<Vec<Value>> {
        let page = self.send("gallery/public", json!({})).await?.is(200)?;
        page.body["items"].as_array().cloned().context("no items")
    }

    /// Reports the public item.
    async fn report(&self, change: Value) -> Result<Answer> {
        let item = self.explore().await?.first().context("nothing is public")?["report_token"].clone();
        let mut body = json!({
            "item": item, "reason": "privacy", "explanation": "It shows my house.", "signature": "Bob",
            "email": "bob@example.com", "good_faith": true,
        });
        crate::world::merge(&mut body, change);
        self.send("report/file", json!({ "body": body })).await
    }

    async fn decide(&self, change: Value) -> Result<Answer> {
        let mut body = json!({"action": "restrict", "reason": "privacy", "explanation": "It shows a house."});
        crate::world::merge(&mut body, change);
        self.send("moderation-cases/decide", json!({ "body": body })).await
    }

    async fn case(&self) -> Result<Case> {
        self.table.case(self.account, CASE.parse()?).await?.context("there is no case")
    }

    /// Decides the case of the seed on behalf of this staff member.
    async fn decided(&self, new: NewDecision, staff: &str) -> Result<Case> {
        let now = clock::now();
        let (owner, generation) = (self.account().await?, self.generation(GENERATION).await?);
        let by = (staff.to_owned(), CaseNoticeId(clock::uuid_at(now)));
        let decided = self.case().await?.decide((&owner, Some(&generation)), new, (&[], RepeatRule(3)), by, now)?;
        self.table.commit(&lifecycle::cases::writes(&decided)).await?;
        Ok(decided.case)
    }

    /// Decides the case of the seed on behalf of another staff member, and appeals.
    async fn appealed(&self, new: NewDecision, now: Timestamp) -> Result<()> {
        let decided = self.decided(new, "0123456789abcdef").await?;
        let appealed = decided.appeal("It is my own house.".to_owned(), now)?;
        Ok(self.table.commit(&[Write::Case(&appealed)]).await?)
    }
}

fn restriction() -> NewDecision {
    NewDecision {
        action: DecisionAction::Restrict,
        reason: ReportReason::Privacy,
        explanation: "It shows a house.".to_owned(),
        suspend_publishing: true,
        freeze: true,
    }
}

#[tokio::test]
async fn report_names_each_field_that_is_missing() -> Result<()> {
    let world = World::new().await?;
    let missing = json!({"reason": "intimate_image", "signature": null, "email": null, "good_faith": false});
    world.report(missing).await?.names(&["signature", "email", "good_faith"])?;
    world.report(json!({"item": "no token of ours"})).await?.names(&["item"])?;
    Ok(())
}

#[tokio::test]
async fn reports_of_an_item_join_its_open_case() -> Result<()> {
    let world = World::new().await?;
    let first = world.report(json!({"reason": "terms"})).await?.is(201)?;
    let second = world.report(json!({"reason": "threat", "email": "eve@example.com"})).await?.is(201)?;
    ensure!(first.body["id"] != second.body["id"], "{second:?}");
    let case = world.case().await?;
    ensure!((case.reports, case.reason, case.hidden_at) == (3, ReportReason::Threat, None), "{case:?}");
    ensure!(second.body["decide_by"].as_str() == Some(&case.decide_by.to_string()), "a threat is decided in a day");
    ensure!(world.table.all_cases(world.account).await?.len() == 1 && world.explore().await?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn gravest_report_hides_an_item_from_all_but_its_owner() -> Result<()> {
    for (setting, hides) in [("true", true), ("false", false)] {
        let world = World::new().await?.with_variables([("HIDE_REPORTED", setting)]);
        world.report(json!({"reason": "intimate_image"})).await?.is(201)?;
        ensure!(world.explore().await?.is_empty() == hides);
        let shared = world.send("gallery/shared", json!({})).await?;
        ensure!(shared.status == if hides { 404 } else { 200 }, "{shared:?}");
        let own = world.send("gallery/read", json!({})).await?.is(200)?;
        ensure!((own.body["outputs"][0]["restricted_by"] == CASE) == hides, "{own:?}");
        let cases = world.send("moderation-cases/list", json!({})).await?.is(200)?;
        ensure!(cases.body["items"][0]["hidden_at"].is_string() == hides, "{cases:?}");
        ensure!(!cases.body.to_string().contains("bob@example.com"), "the owner learns who reported: {cases:?}");
    }
    Ok(())
}

#[tokio::test]
async fn reports_of_a_network_and_of_an_address_are_limited() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("UpdateItem", json!({"Attributes": {"hits": {"N": "100000"}}})).await;
    let body = json!({"body": {"item": "x", "reason": "terms", "explanation": "Spam.", "email": "b@example.com", "good_faith": true}});
    world.send("report/file", body).await?.refused(429, "rate-limited")?;
    Ok(())
}

#[tokio::test]
async fn staff_see_what_was_reported_and_the_owner_learns_of_it() -> Result<()> {
    let world = World::new().await?;
    let seen = world.send("moderation-cases/read", json!({})).await?.is(200)?;
    ensure!(seen.body["reports"][0]["explanation"] == "It shows my house.", "{seen:?}");
    ensure!(seen.body["file"]["url"].is_string() && seen.body["prompt"].is_string(), "{seen:?}");
    ensure!(!seen.body.to_string().contains("bob@example.com"), "staff need no address: {seen:?}");
    let log = world.send("account/access-log", json!({})).await?.is(200)?;
    let actions = log.body["items"].as_array().context("no entries")?;
    ensure!(actions.iter().any(|entry| entry["action"] == json!({"kind": "read_case", "case": CASE})), "{log:?}");
    let list = world.send("staff-review/list", json!({})).await?.is(200)?;
    ensure!(list.body["items"].as_array().context("no items")?.iter().any(|case| case["kind"] == "case"), "{list:?}");
    Ok(())
}

#[tokio::test]
async fn restricted_item_is_neither_published_nor_shared_again() -> Result<()> {
    let world = World::new().await?;
    world.decide(json!({})).await?.is(200)?;
    ensure!(world.explore().await?.is_empty());
    world.send("gallery/shared", json!({})).await?.refused(404, "not-found")?;
    world.send("visibility/publish", json!({})).await?.refused(409, "conflict")?;
    world.send("visibility/share", json!({})).await?.refused(409, "conflict")?;
    world.send("gallery/read", json!({})).await?.is(200)?;
    world.decide(json!({})).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn item_that_breaks_no_rule_is_shown_again() -> Result<()> {
    let world = World::new().await?;
    world.report(json!({"reason": "intimate_image"})).await?.is(201)?;
    ensure!(world.explore().await?.is_empty());
    world.decide(json!({"action": "keep", "freeze": true})).await?.names(&["action"])?;
    let kept = world.decide(json!({"action": "keep"})).await?.is(200)?;
    ensure!(kept.body["appeal_until"].is_null(), "there is nothing to appeal against: {kept:?}");
    ensure!(world.explore().await?.len() == 1);
    world.send("gallery/shared", json!({})).await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn removed_item_is_deleted() -> Result<()> {
    let world = World::new().await?;
    world.decide(json!({"action": "remove"})).await?.is(200)?;
    ensure!(world.explore().await?.is_empty());
    world.send("gallery/read", json!({})).await?.refused(404, "not-found")?;
    let seen = world.send("moderation-cases/read", json!({})).await?.is(200)?;
    ensure!(seen.body["file"].is_null(), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn third_violation_suspends_publishing_until_staff_restore_it() -> Result<()> {
    for (limit, suspends) in [("1", true), ("2", false)] {
        let world = World::new().await?.with_variables([("REPEAT_VIOLATIONS", limit)]);
        let decided = world.decide(json!({})).await?.is(200)?;
        ensure!(decided.body["decision"]["suspends_publishing"] == suspends, "{decided:?}");
        ensure!(world.account().await?.publishing_suspension.is_some() == suspends);
    }
    let world = World::new().await?;
    world.send("moderation-cases/publishing", json!({})).await?.is(200)?;
    world.send("visibility/publish", json!({})).await?.refused(403, "publishing-suspended")?;
    world.send("visibility/share", json!({})).await?.refused(403, "publishing-suspended")?;
    let back = json!({"body": {"allowed": true, "note": "apologized"}});
    world.send("moderation-cases/publishing", back.clone()).await?.is(200)?;
    world.send("moderation-cases/publishing", back).await?.refused(409, "conflict")?;
    world.send("visibility/publish", json!({})).await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn frozen_account_neither_publishes_nor_shares() -> Result<()> {
    let world = World::new().await?.with_account(|account| account.frozen("x".to_owned(), clock::now())).await?;
    world.send("visibility/publish", json!({})).await?.refused(403, "account-status")?;
    world.send("visibility/share", json!({})).await?.refused(403, "account-status")?;
    let private = json!({"body": {"visibility": "private"}});
    world.send("visibility/publish", private).await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn owner_appeals_once_and_another_staff_member_decides() -> Result<()> {
    let world = World::new().await?;
    let appeal = "moderation-cases/appeal-without-decision";
    let decide = "moderation-cases/appeal-decision-without-appeal";
    world.send(appeal, json!({})).await?.refused(409, "conflict")?;
    world.decide(json!({})).await?.is(200)?;
    world.send(decide, json!({})).await?.refused(409, "conflict")?;
    let appealed = world.send(appeal, json!({})).await?.is(200)?;
    ensure!(appealed.body["appeal"]["text"] == "It is my own house.", "{appealed:?}");
    world.send(appeal, json!({})).await?.refused(409, "conflict")?;
    // The member who decided the case.
    world.send(decide, json!({})).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn reversal_restores_item_and_account() -> Result<()> {
    let world = World::new().await?;
    world.appealed(restriction(), clock::now()).await?;
    let account = world.account().await?;
    ensure!(account.is_frozen() && account.publishing_suspension.is_some(), "{account:?}");
    let decide = "moderation-cases/appeal-decision-without-appeal";
    let decided = world.send(decide, json!({})).await?.is(200)?;
    ensure!(decided.body["appeal"]["outcome"]["reversed"] == true, "{decided:?}");
    let account = world.account().await?;
    ensure!(!account.is_frozen() && account.publishing_suspension.is_none(), "{account:?}");
    ensure!(world.explore().await?.len() == 1);
    world.send(decide, json!({})).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn rejected_appeal_leaves_the_decision() -> Result<()> {
    let world = World::new().await?;
    world.appealed(restriction(), clock::now()).await?;
    let body = json!({"body": {"reversed": false, "explanation": "The house is another's."}});
    world.send("moderation-cases/appeal-decision-without-appeal", body).await?.is(200)?;
    ensure!(world.explore().await?.is_empty() && world.account().await?.is_frozen());
    Ok(())
}

#[tokio::test]
async fn cases_of_others_are_not_found() -> Result<()> {
    let world = World::new().await?;
    let stranger = world.stranger().await?;
    let cases = world.send("moderation-cases/list", stranger.clone()).await?.is(200)?;
    ensure!(cases.body["items"] == json!([]), "{cases:?}");
    world.send("moderation-cases/appeal-without-decision", stranger).await?.refused(404, "not-found")?;
    let member = crate::world::claims(&json!({"cognito:groups": null}));
    for event in ["read", "decide", "appeal-decision-without-appeal", "publishing"] {
        world.send(&format!("moderation-cases/{event}"), member.clone()).await?.refused(404, "not-found")?;
    }
    let other: CaseId = clock::uuid_at(clock::now()).into();
    let path = format!("/v1/staff/accounts/{}/cases/{other}/decision", world.account);
    let params = json!({"path": path, "pathParameters": {"case": other}});
    world.send("moderation-cases/decide", params).await?.refused(404, "not-found")?;
    Ok(())
}

#[tokio::test]
async fn report_to_an_authority_needs_evidence_and_another_than_who_decided_and_is_not_told() -> Result<()> {
    let export = "moderation-cases/cybertip-without-evidence";
    let grave = |action| NewDecision {
        action,
        reason: ReportReason::SexualMinors,
        explanation: "It shows a child.".to_owned(),
        suspend_publishing: false,
        freeze: true,
    };
    let world = World::new().await?;
    world.send(export, json!({})).await?.refused(409, "conflict")?;
    world.send(export, json!({"body": {"email": "nobody"}})).await?.names(&["email"])?;
    // Without a removal nothing is preserved.
    world.decided(grave(DecisionAction::Restrict), "0123456789abcdef").await?;
    world.send(export, json!({})).await?.refused(409, "conflict")?;

    let world = World::new().await?;
    world.decided(grave(DecisionAction::Remove), "0123456789abcdef").await?;
    let found = world.send(export, json!({})).await?.is(200)?;
    let (account, report) = (world.account().await?, found.body["report"].as_str().context("no report")?);
    let id = format!("<espIdentifier>{}</espIdentifier>", account.id);
    for told in [id.as_str(), &account.email, "<email>safety@example.com</email>"] {
        ensure!(report.contains(told), "{told}: {report}");
    }
    let details = found.body["file_details"].as_str().context("no file details")?;
    ensure!(details.contains("<reportId>REPORT_ID</reportId><fileId>FILE_ID</fileId>"), "{details}");
    ensure!(details.contains("<fileAnnotations><generativeAi/></fileAnnotations>"), "{details}");
    let prompt = world.generation(GENERATION).await?.settings.prompt;
    ensure!(!found.body.to_string().contains(&prompt), "the prompt is private: {found:?}");
    let log = world.send("account/access-log", json!({})).await?.is(200)?;
    ensure!(!log.body.to_string().contains("exported_case"), "its owner learns of the report: {log:?}");

    // The one who decided does not export.
    let world = World::new().await?;
    let body = json!({"action": "remove", "reason": "sexual_minors", "explanation": "It shows a child."});
    world.decide(body).await?.is(200)?;
    world.send(export, json!({})).await?.refused(409, "conflict")?;
    Ok(())
}
