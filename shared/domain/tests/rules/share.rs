//! Share links.

use domain::{
    Refusal, ShareId,
    accounts::plan::Plan,
    generations::{
        generation::{Failure, Generation, Visibility},
        share::{Share, ShareTerms, create, revoke},
        submission::GenerationOutcome,
    },
};
use uuid::Uuid;

use crate::{at, ended, queued, succeeded};

const OVER_S: i64 = 60 + 30 * 86_400;

fn link(
    generation: &Generation,
    existing: usize,
    expires_in_s: u64,
    second: i64,
) -> Result<(Share, Generation), Refusal> {
    let terms = ShareTerms { expires_in_s, show_prompt: true };
    create(generation, existing, Plan::Free, terms, (ShareId(Uuid::nil()), String::new()), at(second))
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
fn plan_limits_links_of_one_generation() {
    check(&succeeded(), 4, 60, 100, Ok(160));
    for existing in [5, usize::MAX] {
        check(&succeeded(), existing, 60, 100, Err("the plan allows 5 share links of one generation"));
    }
}

#[test]
fn only_succeeded_and_existing_generation_is_shared() {
    for other in [queued(), ended(GenerationOutcome::Canceled), ended(GenerationOutcome::Failed(Failure::Internal))] {
        check(&other, 0, 60, 100, Err("only a generation that succeeded can be shared"));
    }
    check(&succeeded(), 0, 60, OVER_S - 1, Ok(OVER_S + 59));
    check(&succeeded(), 0, 60, OVER_S, Err("not found"));
    check(&succeeded().deleted(at(70)).unwrap(), 0, 60, 100, Err("not found"));
}

#[test]
fn concurrent_links_conflict_on_the_version_of_the_generation() {
    let generation = succeeded();
    let (_, next) = link(&generation, 0, 60, 100).unwrap();
    assert_eq!(next, Generation { version: generation.version + 1, shared_until: Some(at(160)), ..generation });
}

#[test]
fn generation_knows_when_its_last_link_expires() {
    let (long, generation) = link(&succeeded(), 0, 600, 100).unwrap();
    let (short, generation) = link(&generation, 1, 60, 100).unwrap();
    assert_eq!(generation.shared_until, Some(at(700)));
    let one = revoke(&generation, std::slice::from_ref(&short));
    assert_eq!((one.shared_until, one.version), (Some(at(160)), generation.version + 1));
    assert_eq!(revoke(&one, &[]).shared_until, None);
    assert_eq!(revoke(&generation, &[long]).shared_until, Some(at(700)));
}

#[test]
fn unpublished_generation_is_private_and_unshared() {
    assert_eq!(succeeded().unpublished(), None);
    let (_, shared) = link(&succeeded(), 0, 60, 100).unwrap();
    assert_eq!(shared.unpublished().unwrap().shared_until, None);
    let public = succeeded().with_visibility(Visibility::Public, true, at(100)).unwrap();
    let hidden = public.unpublished().unwrap();
    assert_eq!((hidden.visibility, hidden.show_prompt, hidden.published_at), (Visibility::Private, false, None));
}

#[test]
fn link_shows_until_it_or_its_generation_expires() {
    let (short, generation) = link(&succeeded(), 0, 60, 100).unwrap();
    assert_eq!(short.may_view(Some(&generation), at(159)), Ok(()));
    assert_eq!(short.may_view(Some(&generation), at(160)), Err(Refusal::NotFound));
    let (long, generation) = link(&succeeded(), 0, 31_536_000, 100).unwrap();
    assert_eq!(long.may_view(Some(&generation), at(OVER_S - 1)), Ok(()));
    assert_eq!(long.may_view(Some(&generation), at(OVER_S)), Err(Refusal::NotFound));
    assert_eq!(long.may_view(Some(&generation.deleted(at(110)).unwrap()), at(120)), Err(Refusal::NotFound));
    assert_eq!(long.may_view(None, at(120)), Err(Refusal::NotFound));
}
