//! What the sweep does about items that fail each time.

use anyhow::{Result, anyhow, ensure};
use domain::{accounts::sign_up::SignUp, catalogue::models::MediaKind};
use fake_aws::{environment::environment, seed};
use jiff::SignedDuration;
use runtime::{clock, config::Environment};
use serde_json::json;
use store::Write;
use sweep::Sweep;

/// More than one sweep handles of a kind.
const FAILING: u32 = 401;

#[tokio::test]
async fn items_that_fail_keep_no_other_of_their_kind_waiting() -> Result<()> {
    let aws = seed::aws(MediaKind::Image).await?;
    // They lack what an item of their kind has, and come first, as they were due first.
    for number in 0..FAILING {
        let id = uuid::Uuid::from_u128(number.into());
        let item = json!({
            "pk": {"S": format!("ACCOUNT#{id}")}, "sk": {"S": "SIGNUP"}, "due_kind": {"S": "sign-up"}, "due_at": {"N": "1"},
        });
        aws.put_item(&item).await;
    }
    let variables: Environment = environment(&aws)?.into_iter().collect();
    let sweep = Sweep::open(&variables).map_err(|error| anyhow!("{error}"))?;
    let now = clock::now();
    // The sign-up of an account that exists is not needed any more.
    let account = aws.account().parse()?;
    sweep.table.commit(&[Write::SignUp(&SignUp::new(account, 1, now))]).await?;

    let later = now + SignedDuration::from_hours(48);
    let report = sweep.all(later, clock::now() + SignedDuration::from_secs(50)).await;
    let left = sweep.table.sign_up(account).await?;
    ensure!(left.is_none() && report.failed >= FAILING, "{report:?}");
    Ok(())
}
