//! Compares the retentions and outputs that the code declares with the template.

use std::{fs, path::Path};

use crate::registry::{self, DataLocation};
use domain::{
    accounts::{plan::Plans, plan_change::DOWNLOAD_DAYS},
    generations::share::MEDIA_LINK_S,
    payments::payment::WATCHED_DAYS,
    privacy::export::{DOWNLOAD_HOURS, DUE_HOURS},
    registry::{
        ACTIVITY_DAYS, ASSIGNMENT_DAYS, CASE_NOTE_DAYS, CORRECTION_DAYS, ConfiguredRetention, DISCLOSURE_DAYS,
        EXPORT_READY_DAYS, GUEST_TICKET_DAYS, LOG_DEFAULT_DAYS, MESSAGE_DAYS, NOTIFICATION_DAYS,
        PAYMENT_RECORD_DEFAULT_DAYS, REPLY_ALERT_DAYS, RetentionRule, SESSION_DAYS, SIGN_UP_DEFAULT_DAYS, TICKET_DAYS,
        TOMBSTONE_DAYS, UNPAID_DAYS, WELCOME_DAYS,
    },
    service_settings,
    staff::audit::ACCESS_MINUTES,
};

fn template() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")).unwrap()
}

/// Returns the numbers that follow every occurrence of `key` and a colon.
fn numbers(text: &str, key: &str) -> Vec<u32> {
    let key = format!("{key}:");
    let digits = text
        .split(&key)
        .skip(1)
        .map(|rest| rest.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

/// Returns the default of a parameter.
fn default_of(template: &str, parameter: &str) -> u32 {
    let start = template.find(&format!("\n  {parameter}:")).unwrap_or_else(|| panic!("no parameter {parameter}"));
    numbers(&template[start..], "Default")[0]
}

#[test]
fn defaults_of_the_template_are_those_of_the_code() {
    let template = template();
    for (parameter, days) in [
        (registry::template_parameter(ConfiguredRetention::Logs), LOG_DEFAULT_DAYS),
        (registry::template_parameter(ConfiguredRetention::PaymentRecords), PAYMENT_RECORD_DEFAULT_DAYS),
        (registry::template_parameter(ConfiguredRetention::SignUps), SIGN_UP_DEFAULT_DAYS),
    ] {
        assert_eq!(default_of(&template, parameter), days, "{parameter}");
    }
    assert_eq!(numbers(&template, "RefreshTokenValidity"), [SESSION_DAYS]);
}

#[test]
fn queues_keep_messages_as_long_as_declared() {
    let day_s = 24 * 60 * 60;
    let periods = numbers(&template(), "MessageRetentionPeriod");
    assert!(!periods.is_empty());
    for period in periods {
        assert!([MESSAGE_DAYS * day_s, NOTIFICATION_DAYS * day_s].contains(&period), "{period} s");
    }
}

#[test]
fn queues_of_messages_are_outputs_of_the_template() {
    let template = template();
    for stored in registry::kinds() {
        if let DataLocation::Messages { output } = stored.location {
            assert!(template.contains(&format!("\n  {output}:")), "{output}");
            let declared = [MESSAGE_DAYS, NOTIFICATION_DAYS].map(RetentionRule::Days);
            assert!(declared.contains(&stored.kind.retention), "{}", stored.kind.name);
        }
    }
}

/// Every number of days that the client states must be a retention of the code.
#[test]
fn days_in_the_texts_of_the_client_are_retentions() {
    let retentions: Vec<u32> = registry::kinds()
        .filter_map(|stored| match stored.kind.retention {
            RetentionRule::Days(days) => Some(days),
            _ => None,
        })
        .chain([DOWNLOAD_DAYS, domain::registry::UNPAID_DAYS, domain::registry::EXPORT_READY_DAYS, LOG_DEFAULT_DAYS])
        .collect();
    let mut found = 0;
    for file in texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/site/web/src/text")) {
        for (number, unit) in file.split_whitespace().zip(file.split_whitespace().skip(1)) {
            let is_days = unit.starts_with("days") || unit.starts_with("Tage");
            let number = number.trim_start_matches(|character: char| !character.is_ascii_digit());
            if let (true, Ok(days)) = (is_days, number.parse::<u32>()) {
                assert!(retentions.contains(&days), "{number} {unit}: no kind of data is kept so long");
                found += 1;
            }
        }
    }
    assert!(found > 0, "the texts of the client state no retention");
}

/// Every period that the documents state must be the one of the code.
#[test]
fn periods_in_the_documents_are_those_of_the_code() {
    let Plans { free, plus, pro } = service_settings::compiled().plans;
    let [free, plus, pro] = [free, plus, pro].map(|limits| limits.retention_days);
    let retentions = format!("`retention_days` | {free}, {plus}, {pro} | days until files");
    let payments = format!("`PaymentRecordDays` | 0, {PAYMENT_RECORD_DEFAULT_DAYS} | days");
    for (document, facts) in [
        (
            "privacy.md",
            vec![
                format!("are stored for {ACTIVITY_DAYS} days, visible"),
                format!("A link to a file is valid for at most {MEDIA_LINK_S} seconds."),
                format!("for at most {} minutes and states a reason", ACCESS_MINUTES.end()),
                format!("are deleted {TICKET_DAYS} days after the last message"),
                format!("deleted with the reply or after {GUEST_TICKET_DAYS} days"),
                format!("ready within {DUE_HOURS} hours, can be downloaded for {DOWNLOAD_HOURS} hours"),
                format!("deleted after {EXPORT_READY_DAYS} days. It is written"),
                format!("500 files, and is deleted after {DISCLOSURE_DAYS} days"),
                format!("For {WELCOME_DAYS} days after the opening of an account"),
                format!("A correction is recorded for {CORRECTION_DAYS} days"),
                format!("and deleted {CASE_NOTE_DAYS} days after the last one"),
                format!("under a hash, for {ASSIGNMENT_DAYS} days"),
            ],
        ),
        (
            "payments.md",
            vec![
                format!("but never less than {DOWNLOAD_DAYS} days (`DOWNLOAD_DAYS`)"),
                format!("A checkout that nobody paid is deleted after {UNPAID_DAYS} days."),
                format!("as a rule and {NOTIFICATION_DAYS} days at most"),
                format!("so that a day covers the last {WATCHED_DAYS} days"),
            ],
        ),
        (
            "operating.md",
            vec![
                retentions,
                payments,
                format!("Tombstones are kept for {TOMBSTONE_DAYS} days"),
                format!("What has waited for {REPLY_ALERT_DAYS} days raises an alarm."),
                format!("not decided within {ASSIGNMENT_DAYS} days of being taken"),
                format!("erased with the account, or {CASE_NOTE_DAYS} days after the last one"),
            ],
        ),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
        let text = fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = text.clone();
        for fact in facts {
            assert!(text.contains(&fact), "{document} does not say: {fact}");
            rest = rest.replace(&fact, "");
        }
        let words: Vec<_> = rest.split(' ').collect();
        let unchecked = words.windows(2).find(|pair| pair[1].starts_with("days") && pair[0].parse::<u32>().is_ok());
        assert_eq!(unchecked, None, "{document}: add what this is to the list");
    }
}

fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.ends_with("en.ts") || path.ends_with("de.ts"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}
