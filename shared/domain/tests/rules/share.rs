//! Share links.

use domain::{
    Refusal, ShareId,
    generation::{Failure, Generation},
    plan::Plan,
    share::{Share, Terms, share},
    submission::End,
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
    let terms = Terms { expires_in_s, show_prompt: true };
    share(generation, existing, Plan::Free, terms, (ShareId(Uuid::nil()), String::new()), at(second))
}

fn check(generation: &Generation, existing: usize, expires_in_s: u64, second: i64, expected: Result<i64, &str>) {
    let found = link(generation, existing, expires_in_s, second).map(|(share, _)| share.expires_at);
    assert_eq!(found.map_err(|refusal| refusal.to_string()), expected.map(at).map_err(str::to_owned));
}

#[test]
fn a_link_lives_for_a_minute_to_a_year() {
    const BOUNDS: &str = "expires_in_s: 60 to 31536000";
    check(&succeeded(), 0, 60, 100, Ok(160));
    check(&succeeded(), 0, 31_536_000, 100, Ok(31_536_100));
    for refused in [0, 59, 31_536_001, u64::MAX] {
        check(&succeeded(), 0, refused, 100, Err(BOUNDS));
    }
}

#[test]
fn a_plan_has_so_many_links_of_one_generation() {
    check(&succeeded(), 4, 60, 100, Ok(160));
    for existing in [5, usize::MAX] {
        check(&succeeded(), existing, 60, 100, Err("the plan allows 5 share links of one generation"));
    }
}

#[test]
fn only_what_succeeded_and_is_still_there_is_shared() {
    for other in [queued(), ended(End::Canceled), ended(End::Failed(Failure::Internal))] {
        check(&other, 0, 60, 100, Err("only a generation that succeeded can be shared"));
    }
    check(&succeeded(), 0, 60, OVER_S - 1, Ok(OVER_S + 59));
    check(&succeeded(), 0, 60, OVER_S, Err("there is no such thing"));
    check(&succeeded().removed(at(70)).unwrap(), 0, 60, 100, Err("there is no such thing"));
}

#[test]
fn of_two_links_made_at_once_from_the_same_count_one_is_decided_anew() {
    let generation = succeeded();
    let (_, next) = link(&generation, 0, 60, 100).unwrap();
    assert_eq!(next, Generation { version: generation.version + 1, ..generation });
}

#[test]
fn a_link_shows_until_it_expires_or_what_it_shows_is_gone() {
    let (short, generation) = link(&succeeded(), 0, 60, 100).unwrap();
    assert_eq!(short.may_view(Some(&generation), at(159)), Ok(()));
    assert_eq!(short.may_view(Some(&generation), at(160)), Err(Refusal::NotFound));
    let (long, generation) = link(&succeeded(), 0, 31_536_000, 100).unwrap();
    assert_eq!(long.may_view(Some(&generation), at(OVER_S - 1)), Ok(()));
    assert_eq!(long.may_view(Some(&generation), at(OVER_S)), Err(Refusal::NotFound));
    assert_eq!(long.may_view(Some(&generation.removed(at(110)).unwrap()), at(120)), Err(Refusal::NotFound));
    assert_eq!(long.may_view(None, at(120)), Err(Refusal::NotFound));
}
