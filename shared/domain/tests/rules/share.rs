//! Share links.

use domain::{
    ReceiptId, Refusal, ShareId,
    generations::{
        generation::{Failure, Generation},
        output::Visibility,
        share::{Share, ShareTerms, create, media_link_time, revoke},
        submission::GenerationOutcome,
    },
    privacy::deletion::DeletionReason,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{PLANS, account, at, ended, queued, succeeded, two};

const OVER_S: i64 = 60 + 30 * 86_400;

fn link(
    generation: &Generation,
    existing: usize,
    expires_in_s: u64,
    second: i64,
) -> Result<(Share, Generation), Refusal> {
    let terms = ShareTerms { expires_in_s, show_prompt: true };
    create((generation, 1), existing, &PLANS.free, terms, (ShareId(Uuid::nil()), String::new()), at(second))
}

fn shared_until(generation: &Generation) -> Vec<Option<Timestamp>> {
    generation.outputs.iter().map(|output| output.shared_until).collect()
}

fn check(generation: &Generation, existing: usize, expires_in_s: u64, second: i64, expected: Result<i64, &str>) {
    let found = link(generation, existing, expires_in_s, second).map(|(share, _)| share.expires_at);
    assert_eq!(found.map_err(|refusal| refusal.to_string()), expected.map(at).map_err(str::to_owned));
}

#[test]
fn link_lifetime_is_a_minute_to_a_year() {
    const BOUNDS: &str = "expires_in_s: 60 to 31536000";
    check(&succeeded(), 0, 60, 100, Ok(160));
    check(&succeeded(), 0, 31_536_000, 100, Ok(31_536_100));
    for refused in [0, 59, 31_536_001, u64::MAX] {
        check(&succeeded(), 0, refused, 100, Err(BOUNDS));
    }
}

#[test]
fn plan_limits_links_of_one_output() {
    check(&succeeded(), 4, 60, 100, Ok(160));
    for existing in [5, usize::MAX] {
        check(&succeeded(), existing, 60, 100, Err("the plan allows 5 share links of one image or video"));
    }
}

#[test]
fn only_present_output_is_shared() {
    for other in [queued(), ended(GenerationOutcome::Canceled), ended(GenerationOutcome::Failed(Failure::Internal))] {
        check(&other, 0, 60, 100, Err("not found"));
    }
    check(&succeeded(), 0, 60, OVER_S - 1, Ok(OVER_S + 59));
    check(&succeeded(), 0, 60, OVER_S, Err("not found"));
    check(&succeeded().deleted(at(70)).unwrap(), 0, 60, 100, Err("not found"));
    check(&two().without_output(1, at(70)).unwrap(), 0, 60, 100, Err("not found"));
}

#[test]
fn link_shares_its_output_and_not_the_others() {
    let (share, generation) = link(&two(), 0, 60, 100).unwrap();
    assert_eq!(shared_until(&generation), [Some(at(160)), None]);
    assert_eq!(share.view(&account(0), &generation, at(159)).map(|output| output.number), Ok(1));
}

#[test]
fn concurrent_links_conflict_on_the_version_of_the_generation() {
    let generation = succeeded();
    let (_, next) = link(&generation, 0, 60, 100).unwrap();
    assert_eq!(next.version, generation.version + 1);
}

#[test]
fn output_knows_when_its_last_link_expires() {
    let (long, generation) = link(&two(), 0, 600, 100).unwrap();
    let (short, generation) = link(&generation, 1, 60, 100).unwrap();
    assert_eq!(shared_until(&generation), [Some(at(700)), None]);
    let one = revoke((&generation, 1), std::slice::from_ref(&short), at(101)).unwrap();
    assert_eq!((shared_until(&one), one.version), (vec![Some(at(160)), None], generation.version + 1));
    assert_eq!(shared_until(&revoke((&one, 1), &[], at(101)).unwrap()), [None, None]);
    assert_eq!(shared_until(&revoke((&generation, 1), &[long], at(101)).unwrap()), [Some(at(700)), None]);
}

#[test]
fn unpublished_generation_has_private_and_unshared_outputs() {
    assert_eq!(two().unpublished(), None);
    let (_, shared) = link(&two(), 0, 60, 100).unwrap();
    let public = shared.with_visibility(2, Visibility::Public, true, at(100)).unwrap();
    assert_eq!(public.unpublished().unwrap(), Generation { version: public.version + 1, ..two() });
}

#[test]
fn link_shows_until_it_or_its_output_expires() {
    let ada = account(0);
    let view = |share: &Share, generation: &Generation, second| share.view(&ada, generation, at(second)).map(|_| ());
    let (short, generation) = link(&two(), 0, 60, 100).unwrap();
    assert_eq!(view(&short, &generation, 159), Ok(()));
    assert_eq!(view(&short, &generation, 160), Err(Refusal::NotFound));
    let (long, generation) = link(&two(), 0, 31_536_000, 100).unwrap();
    assert_eq!(view(&long, &generation, OVER_S - 1), Ok(()));
    assert_eq!(view(&long, &generation, OVER_S), Err(Refusal::NotFound));
    assert_eq!(view(&long, &generation.deleted(at(110)).unwrap(), 120), Err(Refusal::NotFound));
    assert_eq!(view(&long, &generation.without_output(1, at(110)).unwrap(), 120), Err(Refusal::NotFound));
    assert_eq!(view(&long, &generation.without_output(2, at(110)).unwrap(), 120), Ok(()));
}

#[test]
fn link_shows_nothing_once_the_deletion_of_the_account_is_requested() {
    let (share, generation) = link(&succeeded(), 0, 600, 100).unwrap();
    let leaving = account(0)
        .request_deletion(ReceiptId(Uuid::nil()), DeletionReason::Requested, SignedDuration::from_secs(60), at(110))
        .unwrap();
    assert_eq!(share.view(&leaving, &generation, at(110)), Err(Refusal::NotFound));
}

#[test]
fn links_to_a_file_are_the_same_for_half_a_minute() {
    for (signed, counts_from) in [(0, 0), (29, 0), (30, 30), (59, 30)] {
        assert_eq!(media_link_time(at(signed) + SignedDuration::from_millis(999)), at(counts_from));
    }
}
