use std::collections::BTreeMap;

use domain::{
    Credits, GenerationId, LedgerEntryId,
    accounts::plan::{Plan, Retention},
    generations::output::Media,
    generations::settings::{self, RequestedSettings},
    generations::submission::{self, GenerationOutcome, SubmissionIds},
};
use uuid::Uuid;

use super::*;
use crate::contents::{CreditTotals, ItemRun};

const MARKUP: &str = "<script>alert(1)</script> \"quoted\" & 'more'";
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot; &amp; &#39;more&#39;";

fn at() -> Timestamp {
    "2026-11-22T23:04:00Z".parse().unwrap()
}

fn account(name: &str) -> Account {
    let opened =
        Account::open(Uuid::nil().into(), "ada@example.com".to_owned(), Credits(9), LedgerEntryId(Uuid::nil()), at()).0;
    Account { display_name: Some(name.to_owned()), ..opened }
}

fn submitted(prompt: &str) -> Generation {
    let asked = RequestedSettings {
        model: "sketch-image".to_owned(),
        prompt: prompt.to_owned(),
        seed: Some(7),
        ..RequestedSettings::default()
    };
    let (settings, quote) = settings::validate(asked, &Plan::Free.limits(), &["sketch".to_owned()]).unwrap();
    let ids = SubmissionIds { generation: GenerationId(Uuid::nil()), entry: LedgerEntryId(Uuid::nil()) };
    submission::reserve(&account("Ada"), settings, quote, None, ids, at()).unwrap().generation
}

fn ended(prompt: &str, how: GenerationOutcome) -> Generation {
    let retention = Retention { free_days: 1, plus_days: 1, pro_days: 1 };
    submission::finish(&account("Ada"), &submitted(prompt), how, retention, LedgerEntryId(Uuid::nil()), at())
        .unwrap()
        .generation
}

fn made(prompt: &str, duration_ms: Option<u64>) -> Generation {
    let key = |file: &str| format!("accounts/a/generations/g/{file}");
    ended(
        prompt,
        GenerationOutcome::Succeeded(vec![Media {
            key: key("0.png"),
            content_type: "image/png".to_owned(),
            bytes: 1,
            width: 640,
            height: 480,
            duration_ms,
            thumbnail_key: Some(key("0.thumb.jpg")),
            thumbhash: None,
        }]),
    )
}

fn shown(generation: &Generation) -> String {
    super::generation(&serde_json::to_string(generation).unwrap()).unwrap()
}

#[test]
fn image_is_shown_with_its_settings() {
    let html = shown(&made("a lighthouse", None));
    let name = format!("media/undated/{}-0", Uuid::nil());
    for part in [
        &format!(
            "<a href=\"{name}.png\"><img src=\"{name}.thumb.jpg\" alt=\"a lighthouse\" width=\"640\" height=\"480\""
        ),
        "a lighthouse</p>",
        "22 November 2026, 23:04 UTC",
        "sketch-image, 768×768, seed 7",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert!(
        shown(&made("waves", Some(1000))).contains(&format!("<video src=\"{name}.png\" poster=\"{name}.thumb.jpg\""))
    );
}

#[test]
fn generation_without_files_shows_its_outcome() {
    assert!(shown(&submitted("a lighthouse")).contains("Not generated yet"));
    assert!(shown(&ended("a lighthouse", GenerationOutcome::Canceled)).contains("Canceled"));
    let refused = Failure::Rejected { reason: "<b>no</b>".to_owned() };
    assert!(
        shown(&ended("a lighthouse", GenerationOutcome::Failed(refused))).contains("refused it: &lt;b&gt;no&lt;/b&gt;")
    );
    let deleted = shown(&made("a lighthouse", None).deleted(at()).unwrap());
    assert!(deleted.contains("Deleted") && !deleted.contains("<img"), "{deleted}");
}

#[test]
fn markup_in_a_prompt_or_name_is_escaped() {
    let html = shown(&made(MARKUP, None));
    assert!(!html.contains("<script") && html.contains(&format!("alt=\"{ESCAPED}\"")), "{html}");
    assert!(html.contains(&format!(">{ESCAPED}</p>")), "{html}");
    let html = opening(Some(&account(MARKUP)), &ArchiveContents::default(), at());
    assert!(!html.contains("<script") && html.contains(&format!("<bdi>{ESCAPED}</bdi>")), "{html}");
}

fn whole() -> String {
    let run = |kind: &str| ItemRun { kind: kind.to_owned(), first: 0, last: 0, items: 1 };
    let contents = ArchiveContents {
        runs: vec![run("account"), run("generation")],
        moved: BTreeMap::from([("Welcome".to_owned(), CreditTotals { entries: 1, credits: 9 })]),
        ..ArchiveContents::default()
    };
    let line = |kind: &str, json: String| ItemLine { kind: kind.to_owned(), json };
    let lines = [
        line("account", serde_json::to_string(&account("Ada")).unwrap()),
        line("generation", serde_json::to_string(&made("a lighthouse", None)).unwrap()),
        line("generation", "{}".to_owned()),
    ];
    crate::layout::chapters(&contents).into_iter().map(|part| chapter(part, &lines, &contents, at())).collect()
}

#[test]
fn page_loads_nothing_from_outside_and_closes_every_element() {
    let html = whole();
    for part in ["Welcome</td><td class=\"n\">1</td><td class=\"n\">9</td>", "<bdi>Ada</bdi>", "data/generation.json"] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    for foreign in ["http:", "https:", "src=\"/", "<script", "<link", "url(", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    for element in
        ["html", "head", "body", "main", "header", "section", "table", "div", "article", "dl", "bdi", "p", "a"]
    {
        let opened = html.matches(&format!("<{element}>")).count() + html.matches(&format!("<{element} ")).count();
        assert_eq!(opened, html.matches(&format!("</{element}>")).count(), "{element}");
    }
}
