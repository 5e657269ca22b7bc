//! A report from its confirmation to the decision about an appeal, what is stored of it, and its clock.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::{
    CaseId, CaseNoticeId, ReportId,
    accounts::{account::Account, preferences::Language},
    moderation::{
        case,
        report::{NewReport, Report, ReportReason},
    },
    privacy::hold::Hold,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};
use store::{Table, Write};

use crate::env::{
    archive::ExportArchive,
    erasures::{request_erasure, wait_for_erasure},
    exports::{request_export, wait_for_export},
    faults::object_count,
    http::{ApiResponse, text},
    logs::{log_events, measurements, wait_for_metric},
    moderation::{SharedImage, case_path, cases, decide, read_case},
    staff_access::{access_log, reviews},
    table::scan,
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
    uploads::upload_file,
};

tests![
    p19_report_is_decided_appealed_and_everyone_is_told,
    gravest_report_hides_an_image_and_tells_its_owner,
    p32_reports_are_erased_with_the_account_of_their_reporter,
    p32_reporters_of_an_open_case_are_told_when_its_account_is_erased,
    p30_export_has_the_case_without_its_reporters,
    transparency_report_counts_a_decision_and_its_appeal,
    removed_image_does_not_come_back_from_others,
    p16_removed_evidence_is_kept_for_a_year,
    p16_report_to_an_authority_takes_two_and_is_not_told_to_its_owner,
    cases_that_must_be_decided_soon_are_measured_each_hour,
];

async fn p19_report_is_decided_appealed_and_everyone_is_told(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let (image, email) = (SharedImage::of(&ada).await?, new_address());
    let report = image.report(env, "privacy", &email).await?;
    let receipt = env.visitor()?.post("/v1/reports", &report).await?.is(201)?.json;
    let id = text(&receipt, "id")?;
    let mails = env.mails(&email).await?;
    ensure!(mails.len() == 1 && mails[0].contains(&id) && mails[0].contains("168 hours"), "{mails:?}");

    let open = cases(&ada).await?;
    let [case] = open.as_slice() else { anyhow::bail!("not one case: {open:?}") };
    ensure!(case["hidden_at"].is_null() && case["decision"].is_null() && case["reports"] == 1, "{case}");
    let path = case_path(&ada, case)?;
    let listed = reviews(&grace, "case").await?;
    ensure!(listed.iter().any(|open| open["id"] == case["id"]), "staff do not see the case");
    ensure!(!json!(listed).to_string().contains("my house"), "the list reveals what was reported");
    ensure!(access_log(&ada).await?.is_empty());
    let seen = read_case(&grace, &path).await?.is(200)?.json;
    ensure!(seen["reports"][0]["explanation"] == "It shows my house.", "{seen}");
    grace.fetch(seen["file"]["url"].as_str().context("no file")?).await?.is(200)?;
    ensure!(access_log(&ada).await?[0]["action"]["kind"] == "read_case", "the owner does not see the read");

    decide(&grace, &path, "restrict").await?.is(200)?;
    decide(&grace, &path, "restrict").await?.is(200)?;
    env.visitor()?.get(&image.link).await?.is(404)?;
    ada.get(&format!("/v1/generations/{}", image.id)).await?.is(200)?;
    let mails = env.mails(&email).await?;
    ensure!(mails.len() == 2 && mails[1].contains("It shows a private house."), "{mails:?}");
    let mails = env.mails(&ada.email).await?;
    ensure!(mails.len() == 1 && mails[0].contains("Moderation") && !mails[0].contains("house"), "{mails:?}");

    let appeal = format!("/v1/moderation/cases/{}/appeal", text(case, "id")?);
    ada.post(&appeal, &json!({"text": "It is my own house."})).await?.is(200)?;
    ada.post(&appeal, &json!({"text": "Really."})).await?.is(409)?;
    let outcome = json!({"reversed": true, "explanation": "The house is the owner's."});
    grace.post(&format!("{path}/appeal/decision"), &outcome).await?.is(409)?;
    alan.post(&format!("{path}/appeal/decision"), &outcome).await?.is(200)?;
    env.visitor()?.get(&image.link).await?.is(200)?;
    ensure!(env.mails(&email).await?.len() == 3 && env.mails(&ada.email).await?.len() == 2);
    let kinds: Vec<_> = access_log(&ada).await?.iter().map(|entry| entry["action"]["kind"].clone()).collect();
    ensure!(kinds == [json!("decided_appeal"), json!("decided_case"), json!("read_case")], "{kinds:?}");
    Ok(())
}

async fn gravest_report_hides_an_image_and_tells_its_owner(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let image = SharedImage::of(&ada).await?;
    let report = image.report(env, "intimate_image", &new_address()).await?;
    env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
    env.visitor()?.get(&image.link).await?.is(404)?;
    let mails = env.mails(&ada.email).await?;
    ensure!(mails.len() == 1 && mails[0].contains("hidden automatically"), "{mails:?}");
    // The owner reported it, in a language that mails are written in.
    let mut again = report.clone();
    again["language"] = json!("de-AT");
    let email = new_address();
    again["email"] = json!(email);
    env.visitor()?.post("/v1/reports", &again).await?.is(201)?;
    ensure!(env.mails(&email).await?[0].contains("Deine Meldung"), "the reporter's language is not used");
    let open = cases(&ada).await?;
    let decision = json!({
        "action": "remove", "reason": "intimate_image", "explanation": "It shows a person.", "suspend_publishing": true,
        "freeze": true,
    });
    grace.post(&format!("{}/decision", case_path(&ada, &open[0])?), &decision).await?.is(200)?;
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["frozen_for"][0]["reason"] == "moderation", "{account}");
    ensure!(account["publishing_suspended_at"].is_string(), "{account}");
    ada.get(&format!("/v1/generations/{}", image.id)).await?.is(404)?;
    ensure!(env.mails(&email).await?[1].contains("gelöscht"), "the reporter does not learn of the removal");
    Ok(())
}

async fn p32_reports_are_erased_with_the_account_of_their_reporter(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let image = SharedImage::of(&ada).await?;
    let mut report = image.report(env, "privacy", &bob.email).await?;
    let words = ["explanation", "signature"].map(|what| format!("{what}-{}", image.id));
    (report["explanation"], report["signature"]) = (json!(words[0]), json!(words[1]));
    env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
    let stored = async || -> Result<Vec<bool>> {
        let items = format!("{:?}", scan(env).await?);
        Ok([&bob.email, &words[0], &words[1]].map(|word| items.contains(word.as_str())).to_vec())
    };
    ensure!(stored().await? == [true; 3], "the report is not stored");
    let receipt = request_erasure(&bob).await?;
    wait_for_erasure(env, &receipt).await?;
    ensure!(stored().await? == [false; 3], "the report outlives the account of its reporter");
    let logged = format!("{:?}", log_events(env).await?);
    ensure!(words.iter().all(|word| !logged.contains(word.as_str())), "the words of a reporter are in the logs");
    ensure!(cases(&ada).await?[0]["reports"] == 1, "the case stays");
    Ok(())
}

async fn p32_reporters_of_an_open_case_are_told_when_its_account_is_erased(env: &'static TestEnv) -> Result<()> {
    let (ada, grace) = (env.user().await?, env.staff().await?);
    let (open, decided) = (SharedImage::of(&ada).await?, SharedImage::of(&ada).await?);
    let visitor = env.visitor()?;
    let addresses = [new_address(), new_address(), new_address()];
    let mut ids = Vec::new();
    for (image, address) in [(&open, &addresses[0]), (&open, &addresses[1]), (&decided, &addresses[2])] {
        let mut report = image.report(env, "privacy", address).await?;
        report["language"] = json!(if *address == addresses[1] { "de" } else { "en" });
        ids.push(text(&visitor.post("/v1/reports", &report).await?.is(201)?.json, "id")?);
    }
    let case = cases(&ada).await?.into_iter().find(|case| case["generation"] == decided.id).context("no case")?;
    decide(&grace, &case_path(&ada, &case)?, "restrict").await?.is(200)?;
    let before = [1, 1, 2];
    for (address, count) in addresses.iter().zip(before) {
        ensure!(env.mails(address).await?.len() == count, "{address}");
    }
    let receipt = request_erasure(&ada).await?;
    wait_for_erasure(env, &receipt).await?;
    let stored = async || -> Result<Vec<bool>> {
        let items = format!("{:?}", scan(env).await?);
        Ok(addresses.iter().map(|address| items.contains(address.as_str())).collect())
    };
    // A repeat of the sweep sends nothing more.
    for minutes in [1, 2] {
        env.sweep(clock::now() + SignedDuration::from_mins(minutes)).await?;
        let mails = [env.mails(&addresses[0]).await?, env.mails(&addresses[1]).await?, env.mails(&addresses[2]).await?];
        ensure!(mails.each_ref().map(Vec::len) == [2, 2, 2], "{mails:?}");
        ensure!(mails[0][1].contains("was deleted before we decided") && mails[0][1].contains(&ids[0]), "{mails:?}");
        ensure!(mails[1][1].contains("wurde gelöscht, bevor") && mails[1][1].contains(&ids[1]), "{mails:?}");
        ensure!(!format!("{mails:?}").contains(&ada.email), "the reporter learns whose it was: {mails:?}");
        ensure!(stored().await? == [false, false, true], "reports of nothing are kept");
    }
    Ok(())
}

async fn p30_export_has_the_case_without_its_reporters(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = SharedImage::of(&ada).await?;
    let report = image.report(env, "privacy", &new_address()).await?;
    env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
    let export = request_export(&ada).await?;
    wait_for_export(&ada, &export).await?;
    let archive = ExportArchive::download(&ada, &export).await?;
    let exported = archive.items("case")?;
    ensure!(exported.len() == 1 && exported[0]["reason"] == "privacy", "{exported:?}");
    ensure!(exported[0]["answered"].is_null() && !json!(exported).to_string().contains("my house"), "{exported:?}");
    Ok(())
}

async fn transparency_report_counts_a_decision_and_its_appeal(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let visitor = env.visitor()?;
    // Other tests report for other reasons.
    let counted = async |name: &str| -> Result<u64> {
        let report = visitor.get("/v1/transparency").await?.is(200)?;
        ensure!(report.json["complete"] == true, "{}", report.json);
        let counts = report.json["counts"].as_array().context("no counts")?.clone();
        Ok(counts
            .iter()
            .find(|counts| counts["reason"] == "deceptive")
            .map_or(0, |counts| counts[name].as_u64().unwrap_or(0)))
    };
    ensure!(counted("cases").await? == 0);
    let image = SharedImage::of(&ada).await?;
    let report = image.report(env, "deceptive", &new_address()).await?;
    visitor.post("/v1/reports", &report).await?.is(201)?;
    ensure!(counted("reports").await? == 0, "a report that waits is counted");
    let case = cases(&ada).await?.into_iter().next().context("no case")?;
    let path = case_path(&ada, &case)?;
    decide(&grace, &path, "restrict").await?.is(200)?;
    ensure!(counted("reports").await? == 1 && counted("restricted").await? == 1 && counted("appeals").await? == 0);
    let appeal = format!("/v1/moderation/cases/{}/appeal", text(&case, "id")?);
    ada.post(&appeal, &json!({"text": "It is a drawing."})).await?.is(200)?;
    ensure!(counted("appeals").await? == 1 && counted("appeals_reversed").await? == 0);
    let outcome = json!({"reversed": true, "explanation": "It is."});
    alan.post(&format!("{path}/appeal/decision"), &outcome).await?.is(200)?;
    ensure!(counted("appeals_reversed").await? == 1 && counted("cases").await? == 1);
    // It stays when the account is erased, and names nobody.
    let (account, erased) = (ada.account_id.clone(), request_erasure(&ada).await?);
    wait_for_erasure(env, &erased).await?;
    ensure!(counted("cases").await? == 1, "the outcome is gone with the account");
    let items = scan(env).await?;
    let items: Vec<_> = items.iter().filter(|item| format!("{item:?}").contains("TRANSPARENCY")).collect();
    ensure!(!items.is_empty() && !format!("{items:?}").contains(&account), "an outcome names its account");
    Ok(())
}

/// Removes an image for this reason, and returns its case and the path of that.
async fn removed(ada: &TestUser, image: &SharedImage, reason: &str) -> Result<(Value, String)> {
    let grace = ada.env.staff().await?;
    let report = image.report(ada.env, reason, &new_address()).await?;
    ada.env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
    let case = cases(ada).await?.into_iter().next().context("no case")?;
    let path = case_path(ada, &case)?;
    let decision = json!({"action": "remove", "reason": reason, "explanation": "It shows a person."});
    grace.post(&format!("{path}/decision"), &decision).await?.is(200)?;
    Ok((case, path))
}

async fn removed_image_does_not_come_back_from_others(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, alan) = (env.user().await?, env.user().await?, env.staff().await?);
    // Both get the same image: the model is given the seed.
    let body = json!({"model": "sketch-image", "prompt": "a cabin in the snow at dusk", "seed": 7, "width": 320, "height": 320});
    let of_ada = ada.ended(&ada.submit(&body).await?).await?;
    let file = ada.fetch(&text(&of_ada["outputs"][0]["file"], "url")?).await?.is(200)?.bytes;
    let image = SharedImage::link_to(&ada, text(&of_ada, "id")?).await?;
    let copy = SharedImage::link_to(&bob, text(&bob.ended(&bob.submit(&body).await?).await?, "id")?).await?;
    let (case, path) = removed(&ada, &image, "intimate_image").await?;

    let visitor = env.visitor()?;
    let started = Instant::now();
    while visitor.get(&copy.link).await?.status == 200 {
        ensure!(started.elapsed() < Duration::from_secs(60), "the copy is still shown");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let output = format!("/v1/generations/{}/outputs/1", copy.id);
    let public = json!({"visibility": "public", "show_prompt": false});
    let publish = async || {
        ApiResponse::read(bob.request(Method::PUT, &format!("{output}/visibility")).json(&public).send().await?).await
    };
    ensure!(publish().await?.is(422)?.json["type"] == "urn:darkroom:problem:known-content");
    let share = json!({"expires_in_s": 3600});
    let refused = bob.post(&format!("{output}/shares"), &share).await?.is(422)?.json;
    ensure!(refused["type"] == "urn:darkroom:problem:known-content", "{refused}");
    bob.get(&format!("/v1/generations/{}", copy.id)).await?.is(200)?;
    let upload = upload_file(&bob, "image/png", &file).await?;
    ensure!(upload["state"]["code"] == "known_content", "{upload}");

    // The appeal is right: the image is gone, but copies may be shown.
    ada.post(&format!("/v1/moderation/cases/{}/appeal", text(&case, "id")?), &json!({"text": "It is a cabin."}))
        .await?
        .is(200)?;
    let outcome = json!({"reversed": true, "explanation": "It is."});
    alan.post(&format!("{path}/appeal/decision"), &outcome).await?.is(200)?;
    publish().await?.is(200)?;
    Ok(())
}

async fn p16_removed_evidence_is_kept_for_a_year(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let body =
        json!({"model": "sketch-image", "prompt": "a harbour with boats", "seed": 11, "width": 320, "height": 320});
    let image = SharedImage::link_to(&ada, text(&ada.ended(&ada.submit(&body).await?).await?, "id")?).await?;
    removed(&ada, &image, "sexual_minors").await?;
    ada.get(&format!("/v1/generations/{}", image.id)).await?.is(404)?;
    env.sweep(clock::now() + SignedDuration::from_mins(2)).await?;
    let generation =
        env.table()?.generation(ada.account()?, image.id.parse()?).await?.context("the evidence is gone")?;
    ensure!(generation.outputs.len() == 1 && generation.held, "{generation:?}");
    ensure!(object_count(env, &ada).await? > 0, "the file is gone");
    let account = env.table()?.account(ada.account()?).await?.context("no account")?;
    let hold = account.holds.iter().next().context("no hold")?;
    ensure!(hold.case.is_some() && hold.ends_at.is_some() && hold.released_at.is_none(), "{hold:?}");
    Ok(())
}

/// Whether an erasure did all that it can, and is due again when the hold may have ended: later than the sweep repeats one that failed.
async fn waits_for_the_hold(table: &Table, owner: &TestUser) -> Result<bool> {
    let deletion = table.account(owner.account()?).await?.and_then(|account| account.deletion);
    let next_at = deletion.context("no deletion")?.next_at;
    Ok(next_at.duration_since(clock::now()) > SignedDuration::from_mins(30))
}

async fn p16_report_to_an_authority_takes_two_and_is_not_told_to_its_owner(env: &'static TestEnv) -> Result<()> {
    let (ada, grace, alan) = (env.user().await?, env.staff().await?, env.staff().await?);
    // An image that no other test makes, as it enters the blocklist.
    let body = json!({"model": "sketch-image", "prompt": "a bridge at noon", "seed": 13, "width": 320, "height": 320});
    let image = SharedImage::link_to(&ada, text(&ada.ended(&ada.submit(&body).await?).await?, "id")?).await?;
    let report = image.report(env, "sexual_minors", &new_address()).await?;
    env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
    let case = cases(&ada).await?.into_iter().next().context("no case")?;
    let path = case_path(&ada, &case)?;
    let (export, contact) = (format!("{path}/cybertip"), json!({"email": "safety@example.com"}));
    alan.post(&export, &contact).await?.is(409)?;
    let decision = json!({"action": "remove", "reason": "sexual_minors", "explanation": "It shows a child."});
    grace.post(&format!("{path}/decision"), &decision).await?.is(200)?;
    grace.post(&export, &contact).await?.is(409)?;
    let exported = alan.post(&export, &contact).await?.is(200)?.json;
    let (report, details) = (text(&exported, "report")?, text(&exported, "file_details")?);
    let id = format!("<espIdentifier>{}</espIdentifier>", ada.account_id);
    for told in [id.as_str(), &ada.email, "<eventName>Login</eventName>"] {
        ensure!(report.contains(told), "{told}: {report}");
    }
    ensure!(details.contains("<originalFileHash hashType=\"SHA256\">"), "{details}");
    ensure!(!report.contains("a bridge at noon") && !details.contains("a bridge at noon"), "the prompt is private");
    let kinds: Vec<_> = access_log(&ada).await?.iter().map(|entry| entry["action"]["kind"].clone()).collect();
    ensure!(kinds == [json!("decided_case")], "its owner learns of the report: {kinds:?}");
    // An owner who deletes their account does not make the report impossible.
    env.sweep(clock::now() + SignedDuration::from_mins(2)).await?;
    let receipt = request_erasure(&ada).await?;
    let started = Instant::now();
    while !env.table()?.activities(ada.account()?, 1, None).await?.items.is_empty() {
        ensure!(started.elapsed() < Duration::from_secs(60), "the erasure does not begin");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let again = alan.post(&export, &contact).await?.is(200)?.json;
    ensure!(again["file_details"] == exported["file_details"], "{again}");
    ensure!(!text(&again, "report")?.contains("ipCaptureEvent"), "addresses outlive the account: {again}");

    // The sweep finds an account without a ledger, and then one whose evidence is released.
    let table = env.table()?;
    for released_at in [None, Some(clock::now())] {
        loop {
            let account = table.account(ada.account()?).await?.context("the account is gone")?;
            let holds = account.holds.iter().cloned().map(|hold| Hold { released_at, ..hold }).collect();
            let due = Account { holds, ..account.deletion_due_next(clock::now()) };
            // The erasure writes the account meanwhile.
            if table.commit(&[Write::Account(&due)]).await.is_ok() {
                break;
            }
            ensure!(started.elapsed() < Duration::from_secs(60), "the account changes all the time");
        }
        env.sweep(clock::now() + SignedDuration::from_mins(2)).await?;
        // What the sweep began must have ended before the hold is changed, as in life.
        while released_at.is_none() && !waits_for_the_hold(&table, &ada).await? {
            ensure!(started.elapsed() < Duration::from_secs(60), "the erasure does not wait for the hold");
        }
    }
    wait_for_erasure(env, &receipt).await?;
    alan.post(&export, &contact).await?.is(404)?;
    let drifted =
        log_events(env).await?.into_iter().filter(|line| line.to_string().contains("differs from the ledger"));
    let drifted: Vec<_> = drifted.filter(|line| line.to_string().contains(&ada.account_id)).collect();
    ensure!(drifted.is_empty(), "its ledger is missed: {drifted:?}");
    Ok(())
}

async fn cases_that_must_be_decided_soon_are_measured_each_hour(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = SharedImage::of(&ada).await?;
    let (account, generation) = (ada.account_id.parse()?, image.id.parse()?);
    let table = env.table()?;
    let now = clock::now();
    let hour = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(3_600))?;
    let open = async |opened: Timestamp| -> Result<()> {
        let (owner, generation) = table.account_and_generation(account, generation).await?;
        let (owner, generation) = owner.zip(generation).context("no generation")?;
        let new = NewReport {
            reason: ReportReason::IntimateImage,
            explanation: "It shows me.".to_owned(),
            signature: Some("Bob Roberts".to_owned()),
            email: Some(new_address()),
            good_faith: true,
            language: Language::English,
        };
        let id = || clock::uuid_at(now);
        let report = |case| Report::file(new, (ReportId(id()), id().to_string(), case), opened);
        let ids = (CaseId(id()), CaseNoticeId(id()), false);
        let (opened, report) = case::report((&owner, &generation, 1), &[], report, ids, opened)?;
        Ok(table.commit(&[Write::Case(&opened.case), Write::Report(&report)]).await?)
    };
    let before = measurements(env, Metric::PressingCases).await?;
    // Of 48 hours, 36 are three quarters.
    open(hour - SignedDuration::from_hours(36) + SignedDuration::from_secs(1)).await?;
    env.sweep(hour).await?;
    ensure!(measurements(env, Metric::PressingCases).await? == before, "there is time");
    open(hour - SignedDuration::from_hours(36)).await?;
    env.sweep(hour + SignedDuration::from_mins(1)).await?;
    ensure!(measurements(env, Metric::PressingCases).await? == before, "it is measured more than once an hour");
    env.sweep(hour).await?;
    wait_for_metric(env, Metric::PressingCases, before).await
}
