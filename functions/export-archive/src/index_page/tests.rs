use std::collections::BTreeMap;

use domain::{
    Credits, GenerationId, LedgerEntryId,
    accounts::preferences::Language,
    catalogue,
    generations::settings::{self, RequestedSettings},
    generations::submission::{self, GenerationOutcome, SubmissionIds},
    generations::{
        generation::Failure,
        output::Media,
        upload::{RejectionCode, UploadDeclaration, declare},
    },
    money::Currency,
    payments::payment::PaymentProvider,
    service_settings,
};
use uuid::Uuid;

use super::*;
use crate::contents::{CauseKind, CreditTotals, ItemRun};

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
    let plans = &service_settings::compiled().plans;
    let (settings, quote) =
        settings::validate(asked, &plans.free, &catalogue::compiled().offered_by(&["sketch"])).unwrap();
    let ids = SubmissionIds { generation: GenerationId(Uuid::nil()), entry: LedgerEntryId(Uuid::nil()) };
    submission::reserve(&account("Ada"), plans, settings, quote, None, ids, at()).unwrap().generation
}

fn ended(prompt: &str, how: GenerationOutcome) -> Generation {
    submission::finish(
        &account("Ada"),
        &submitted(prompt),
        how,
        &service_settings::compiled().plans,
        LedgerEntryId(Uuid::nil()),
        at(),
    )
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
            fingerprints: None,
        }]),
    )
}

fn shown(generation: &Generation) -> String {
    shown_in(generation, Language::English)
}

fn shown_in(generation: &Generation, language: Language) -> String {
    super::generation(&serde_json::to_string(generation).unwrap(), Texts::of(language)).unwrap()
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
    let html = opening(Some(&account(MARKUP)), &ArchiveContents::default(), at(), Texts::of(Language::English));
    assert!(!html.contains("<script") && html.contains(&format!("<bdi>{ESCAPED}</bdi>")), "{html}");
}

fn whole(language: Language) -> String {
    let run = |kind: &str| ItemRun { kind: kind.to_owned(), first: 0, last: 0, items: 1 };
    let contents = ArchiveContents {
        runs: vec![run("account"), run("generation")],
        moved: BTreeMap::from([(CauseKind::Welcome, CreditTotals { entries: 1, credits: 9 })]),
        language,
        service: "Ada & Co".to_owned(),
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
    let html = whole(Language::English);
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

#[test]
fn page_is_in_the_language_of_the_account() {
    let english = whole(Language::English);
    for part in ["<html lang=\"en\">", "<h2>Images and videos</h2>", "22 November 2026, 23:04 UTC", "9 available"] {
        assert!(english.contains(part), "{part} is not in {english}");
    }
    let german = whole(Language::German);
    for part in [
        "<html lang=\"de\">",
        "<title>Dein Archiv von Ada &amp; Co</title>",
        "<h1>Ada &amp; Co</h1>",
        "<h2>Bilder und Videos</h2>",
        "22. November 2026, 23:04 UTC",
        "9 verfügbar, 0 reserviert",
        "Gratis-Credits</td>",
        "<th>Datei</th><th>Inhalt</th>",
        "sketch-image, 768×768, Seed 7",
    ] {
        assert!(german.contains(part), "{part} is not in {german}");
    }
    // The names of files and the machine-readable values are the same in each language.
    let machine_readable = |html: &str| {
        let attributes = html
            .split([' ', '>'])
            .filter(|part| ["href=", "src=", "datetime="].iter().any(|name| part.starts_with(name)));
        attributes.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(machine_readable(&german), machine_readable(&english));
}

#[test]
fn payments_and_rejected_uploads_are_in_the_language_of_the_account() {
    let choice = catalogue::compiled().choose("starter", Currency::Eur).unwrap();
    let bought = Payment::open(Uuid::nil().into(), Uuid::nil().into(), PaymentProvider::Stripe, choice, at());
    let row = |language| payment(&serde_json::to_string(&bought).unwrap(), Texts::of(language)).unwrap();
    for (language, amount, status) in
        [(Language::English, "5.00 EUR", "created"), (Language::German, "5,00 EUR", "begonnen")]
    {
        let row = row(language);
        assert!(row.contains(&format!("<td class=\"n\">{amount}</td><td>{status}</td>")), "{row}");
    }
    let declared =
        UploadDeclaration { content_type: "image/png".to_owned(), bytes: 9, sha256: "0a".repeat(32), file_name: None };
    let rejected = Upload {
        state: UploadState::Rejected { code: RejectionCode::Animated, reason: "<an animation>".to_owned() },
        ..declare(&account("Ada"), &service_settings::compiled().plans, declared, Uuid::nil().into(), at()).unwrap().1
    };
    let article = |language| upload(&serde_json::to_string(&rejected).unwrap(), Texts::of(language)).unwrap();
    assert!(article(Language::English).contains("Rejected: &lt;an animation&gt;</p>"));
    let german = article(Language::German);
    assert!(german.contains("Abgelehnt: Das Bild ist animiert</p>") && german.contains("9 Bytes"), "{german}");
    assert!(german.contains("<bdi>Ohne Namen</bdi>"), "{german}");
    let failed = ended("a lighthouse", GenerationOutcome::Failed(Failure::DeadlinePassed));
    assert!(shown_in(&failed, Language::German).contains("Fehlgeschlagen: Es hat zu lange gedauert"));
}
