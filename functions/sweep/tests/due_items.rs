//! How the sweep reads what is due: past items that fail each time, and from all shards.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, ensure};
use domain::{
    CaseId, CaseNoticeId, UploadId,
    accounts::sign_up::SignUp,
    catalogue::models::MediaKind,
    generations::upload::{self, UploadDeclaration},
    privacy::hold::{EVIDENCE_DAYS, Hold},
};
use fake_aws::{environment::environment, seed};
use jiff::SignedDuration;
use runtime::{clock, config::Environment};
use serde_json::json;
use store::{HoldCheck, Write};
use sweep::Sweep;

/// More than one sweep handles of a kind.
const FAILING: u32 = 401;
/// So many that each of four shards has some.
const UNFINISHED: u32 = 60;

#[tokio::test]
async fn items_that_fail_keep_no_other_of_their_kind_waiting() -> Result<()> {
    let aws = seed::aws(MediaKind::Image).await?;
    // They lack what an item of their kind has, and come first, as they were due first.
    for number in 0..FAILING {
        let id = uuid::Uuid::from_u128(number.into());
        let item = json!({
            "pk": {"S": format!("ACCOUNT#{id}")}, "sk": {"S": "SIGNUP"}, "due_partition": {"S": "sign-up"}, "due_at": {"N": "1"},
        });
        aws.put_item(&item).await;
    }
    let variables: Environment = environment(&aws)?.into_iter().collect();
    let sweep = Sweep::open(&variables).map_err(|error| anyhow!("{error}"))?;
    let now = clock::now();
    // The sign-up of an account that exists is not needed any more.
    let account = aws.account().parse()?;
    sweep.table.commit(&[Write::SignUp(&SignUp::new(account, 1, None, now))]).await?;

    let later = now + SignedDuration::from_hours(48);
    let report = sweep.all(later, clock::now() + SignedDuration::from_secs(50)).await;
    let left = sweep.table.sign_up(account).await?;
    ensure!(left.is_none() && report.failed >= FAILING, "{report:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_due_is_found_in_each_shard() -> Result<()> {
    let aws = seed::aws(MediaKind::Image).await?;
    let mut variables = environment(&aws)?;
    variables.retain(|(name, _)| *name != "INDEX_SHARDS");
    variables.push(("INDEX_SHARDS", "4".to_owned()));
    let variables: Environment = variables.into_iter().collect();
    let sweep = Sweep::open(&variables).map_err(|error| anyhow!("{error}"))?;
    let now = clock::now();
    let account = sweep.table.account(aws.account().parse()?).await?.context("no account")?;
    for _ in 0..UNFINISHED {
        let declared = UploadDeclaration {
            content_type: "image/png".to_owned(),
            bytes: 1,
            sha256: "0".repeat(64),
            file_name: None,
        };
        let (_, declared) = upload::declare(
            &account,
            &domain::service_settings::compiled().plans,
            declared,
            UploadId(clock::uuid_at(now)),
            now,
        )?;
        sweep.table.commit(&[Write::Upload(&declared)]).await?;
    }
    let items = aws.items().await;
    let partitions: BTreeSet<_> = items.iter().filter_map(|item| item["due_partition"]["S"].as_str()).collect();
    let uploads: Vec<_> = partitions.into_iter().filter(|partition| partition.starts_with("upload#")).collect();
    ensure!(uploads == ["upload#0", "upload#1", "upload#2", "upload#3"], "{uploads:?}");

    let later = now + SignedDuration::from_hours(48);
    sweep.all(later, clock::now() + SignedDuration::from_secs(50)).await;
    let left = sweep.table.uploads(account.id, usize::from(u8::MAX), None).await?.items;
    ensure!(left.is_empty(), "{} uploads are left", left.len());
    Ok(())
}

#[tokio::test]
async fn hold_of_evidence_is_released_by_itself_after_a_year() -> Result<()> {
    let aws = seed::aws(MediaKind::Image).await?;
    let variables: Environment = environment(&aws)?.into_iter().collect();
    let sweep = Sweep::open(&variables).map_err(|error| anyhow!("{error}"))?;
    let now = clock::now();
    let account = sweep.table.account(aws.account().parse()?).await?.context("no account")?;
    let hold = Hold::of_evidence(CaseNoticeId(clock::uuid_at(now)), CaseId(clock::uuid_at(now)), now);
    let held = account.place_hold(hold)?;
    sweep.table.commit(&[Write::Account(&held), Write::HoldCheck(&HoldCheck::new(&held, now))]).await?;
    let kinds = async |days: i64| -> Result<usize> {
        let later = now + SignedDuration::from_hours(24 * days);
        sweep.all(later, clock::now() + SignedDuration::from_secs(50)).await;
        let account = sweep.table.account(account.id).await?.context("no account")?;
        Ok(account.held_kinds().len())
    };
    ensure!(kinds(1).await? > 0 && kinds(EVIDENCE_DAYS - 1).await? > 0, "it was released too early");
    ensure!(kinds(EVIDENCE_DAYS + 1).await? == 0, "it was not released");
    ensure!(sweep.table.hold_check(account.id).await?.is_none(), "the check stays due");
    Ok(())
}
