//! The texts of the index page in each language.

use domain::{
    accounts::{
        preferences::{Language, Theme},
        status::AccountStatus,
    },
    catalogue::models::Quality,
    generations::{
        generation::{Failure, GenerationStatus},
        upload::RejectionCode,
    },
    payments::payment::PaymentStatus,
    registry,
};
use jiff::civil::DateTime;

use crate::contents::CauseKind;

/// The texts in one language. Values that they take are HTML already.
pub(super) struct Texts {
    /// The tag of the language.
    pub lang: &'static str,
    /// The title, with the name of the service.
    pub title: fn(&str) -> String,
    /// What the page shows, of this person, at this time.
    pub lede: fn(&str, &str) -> String,
    /// The person, if the account is not known.
    pub you: &'static str,
    /// A date with the time of day.
    pub time: fn(DateTime) -> String,
    pub decimal_mark: &'static str,
    pub account: &'static str,
    pub email: &'static str,
    pub name: &'static str,
    pub billing_email: &'static str,
    pub member_since: &'static str,
    pub status: &'static str,
    pub account_status: fn(AccountStatus) -> String,
    pub credits: &'static str,
    /// Credits that are available, and credits that are on hold.
    pub balance: fn(i64, i64) -> String,
    pub theme: &'static str,
    pub theme_name: fn(Theme) -> &'static str,
    pub language: &'static str,
    pub reason: &'static str,
    pub entries: &'static str,
    pub cause: fn(CauseKind) -> &'static str,
    pub all_entries: &'static str,
    pub payments: &'static str,
    pub date: &'static str,
    pub package: &'static str,
    pub amount: &'static str,
    pub transaction: &'static str,
    pub payment_status: fn(PaymentStatus) -> String,
    pub all_fields: &'static str,
    pub generations: &'static str,
    pub negative_prompt: &'static str,
    pub seed: &'static str,
    pub quality: fn(Quality) -> &'static str,
    pub public: &'static str,
    /// How many of all outputs are public.
    pub some_public: fn(usize, usize) -> String,
    pub credits_spent: fn(i64) -> String,
    /// Why a generation has no outputs. A reason that a provider gave is not translated.
    pub outcome: fn(GenerationStatus, Option<&Failure>) -> String,
    pub uploads: &'static str,
    pub untitled: &'static str,
    pub deleted: &'static str,
    pub pending_upload: &'static str,
    /// Why an upload was rejected, from its code and its reason in English.
    pub rejected: fn(RejectionCode, &str) -> String,
    pub bytes: &'static str,
    pub files: &'static str,
    pub file: &'static str,
    pub contents: &'static str,
    pub items: &'static str,
    pub schema: &'static str,
    /// What the items of a kind are.
    pub purpose: fn(&str) -> &'static str,
    pub other_files: fn(u64) -> String,
}

impl Texts {
    /// Returns the texts in this language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}

const ENGLISH: Texts = Texts {
    lang: "en",
    title: |service| format!("Your {service} archive"),
    lede: |name, time| format!("Everything that we store about {name}, as it was on {time}."),
    you: "you",
    time: |at| at.strftime("%-d %B %Y, %H:%M").to_string(),
    decimal_mark: ".",
    account: "Account",
    email: "Email address",
    name: "Name",
    billing_email: "Billing email",
    member_since: "Member since",
    status: "Status",
    account_status: |status| status.to_string(),
    credits: "Credits",
    balance: |available, held| format!("{available} available, {held} on hold"),
    theme: "Theme",
    theme_name: |theme| match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    },
    language: "Language",
    reason: "Reason",
    entries: "Entries",
    cause: |cause| match cause {
        CauseKind::Welcome => "Welcome",
        CauseKind::Purchase => "Bought",
        CauseKind::Reserve => "On hold for generations",
        CauseKind::Settle => "Spent on generations",
        CauseKind::Release => "Refunded for generations",
        CauseKind::ClawBack => "Reversed after refunds and disputes",
        CauseKind::Restore => "Restored after disputes",
        CauseKind::Adjustment => "Granted or taken by our staff",
        CauseKind::Redemption => "Promotion codes",
        CauseKind::Gift => "Gift codes",
    },
    all_entries: "Credits on hold for a generation are either spent or refunded. All entries:",
    payments: "Payments",
    date: "Date",
    package: "Package",
    amount: "Amount",
    transaction: "Transaction",
    payment_status: |status| status.as_str().replace('_', " "),
    all_fields: "All fields:",
    generations: "Images and videos",
    negative_prompt: "Negative prompt:",
    seed: "seed",
    quality: |quality| match quality {
        Quality::Low => "draft quality",
        Quality::Medium => "standard quality",
        Quality::High => "best quality",
    },
    public: "public",
    some_public: |public, all| format!("{public} of {all} public"),
    credits_spent: |credits| if credits == 1 { "1 credit".to_owned() } else { format!("{credits} credits") },
    outcome: |status, failure| match (status, failure) {
        (_, Some(Failure::Rejected { reason })) => format!("Failed: the provider refused it: {reason}"),
        (_, Some(Failure::InvalidInput { reason })) => format!("Failed: the provider cannot use the input: {reason}"),
        (_, Some(Failure::Blocked { .. })) => "Failed: it breaks the rules of the service".to_owned(),
        (_, Some(Failure::Unchecked)) => "Failed: it could not be checked".to_owned(),
        (_, Some(Failure::Internal)) => "Failed: an error on our side".to_owned(),
        (_, Some(Failure::ProviderUnavailable)) => "Failed: no provider was available".to_owned(),
        (_, Some(Failure::DeadlinePassed)) => "Failed: it took too long".to_owned(),
        (_, Some(Failure::InputMissing)) => "Failed: its starting image no longer exists".to_owned(),
        (GenerationStatus::Queued | GenerationStatus::Running | GenerationStatus::Canceling, None) => {
            "Not generated yet".to_owned()
        }
        (GenerationStatus::Canceled, None) => "Canceled".to_owned(),
        (GenerationStatus::Succeeded | GenerationStatus::Failed, None) => "Deleted".to_owned(),
    },
    uploads: "Uploads",
    untitled: "Untitled",
    deleted: "Deleted",
    pending_upload: "Not uploaded, or not checked yet",
    rejected: |_, reason| format!("Rejected: {reason}"),
    bytes: "bytes",
    files: "All files",
    file: "File",
    contents: "Contents",
    items: "Items",
    schema: "Schema",
    purpose,
    other_files: |files| {
        format!(
            "The ledger and the payments are also available as CSV: \
            <a href=\"data/ledger.csv\">data/ledger.csv</a>, <a href=\"data/payment.csv\">data/payment.csv</a>. \
            What you generated or uploaded (files: {files}) is in the folders media and uploads. \
            <a href=\"manifest.json\">manifest.json</a> lists every file with its size and SHA-256 hash."
        )
    },
};

const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

const GERMAN: Texts = Texts {
    lang: "de",
    title: |service| format!("Dein Archiv von {service}"),
    lede: |name, time| format!("Alles, was wir über {name} speichern. Stand: {time}."),
    you: "dich",
    time: |at| {
        let months = (1..).zip(GERMAN_MONTHS);
        let month = months.filter(|(number, _)| *number == at.month()).map(|(_, name)| name).next();
        format!("{}. {} {}, {:02}:{:02}", at.day(), month.unwrap_or_default(), at.year(), at.hour(), at.minute())
    },
    decimal_mark: ",",
    account: "Konto",
    email: "E-Mail-Adresse",
    name: "Name",
    billing_email: "E-Mail-Adresse für Rechnungen",
    member_since: "Dabei seit",
    status: "Status",
    account_status: |status| {
        let name = match status {
            AccountStatus::Active => "aktiv",
            AccountStatus::Frozen => "gesperrt",
            AccountStatus::PendingDeletion => "wird gelöscht",
        };
        name.to_owned()
    },
    credits: "Credits",
    balance: |available, held| format!("{available} verfügbar, {held} reserviert"),
    theme: "Design",
    theme_name: |theme| match theme {
        Theme::System => "System",
        Theme::Light => "Hell",
        Theme::Dark => "Dunkel",
    },
    language: "Sprache",
    reason: "Grund",
    entries: "Buchungen",
    cause: |cause| match cause {
        CauseKind::Welcome => "Gratis-Credits",
        CauseKind::Purchase => "Gekauft",
        CauseKind::Reserve => "Für Generierungen reserviert",
        CauseKind::Settle => "Für Generierungen ausgegeben",
        CauseKind::Release => "Für Generierungen erstattet",
        CauseKind::ClawBack => "Nach Erstattungen und Anfechtungen zurückgebucht",
        CauseKind::Restore => "Nach Anfechtungen wieder gutgeschrieben",
        CauseKind::Adjustment => "Von unserem Team gutgeschrieben oder abgezogen",
        CauseKind::Redemption => "Gutscheincodes",
        CauseKind::Gift => "Geschenkcodes",
    },
    all_entries: "Credits, die für eine Generierung reserviert sind, werden entweder ausgegeben oder erstattet. \
        Alle Buchungen:",
    payments: "Zahlungen",
    date: "Datum",
    package: "Paket",
    amount: "Betrag",
    transaction: "Transaktion",
    payment_status: |status| {
        let name = match status {
            PaymentStatus::Created => "begonnen",
            PaymentStatus::Pending => "ausstehend",
            PaymentStatus::Expired => "abgelaufen",
            PaymentStatus::Failed => "fehlgeschlagen",
            PaymentStatus::InReview => "wird geprüft",
            PaymentStatus::Paid => "bezahlt",
            PaymentStatus::PartlyRefunded => "teilweise erstattet",
            PaymentStatus::Refunded => "erstattet",
            PaymentStatus::Disputed => "angefochten",
            PaymentStatus::Won => "Anfechtung beendet",
            PaymentStatus::Lost => "zurückgebucht",
            PaymentStatus::Reversed => "storniert",
            PaymentStatus::Restored => "Storno aufgehoben",
        };
        name.to_owned()
    },
    all_fields: "Alle Felder:",
    generations: "Bilder und Videos",
    negative_prompt: "Negativer Prompt:",
    seed: "Seed",
    quality: |quality| match quality {
        Quality::Low => "Entwurfsqualität",
        Quality::Medium => "Standardqualität",
        Quality::High => "beste Qualität",
    },
    public: "öffentlich",
    some_public: |public, all| format!("{public} von {all} öffentlich"),
    credits_spent: |credits| if credits == 1 { "1 Credit".to_owned() } else { format!("{credits} Credits") },
    outcome: |status, failure| match (status, failure) {
        (_, Some(Failure::Rejected { reason })) => {
            format!("Fehlgeschlagen: Der KI-Anbieter hat es abgelehnt: {reason}")
        }
        (_, Some(Failure::InvalidInput { reason })) => {
            format!("Fehlgeschlagen: Der KI-Anbieter kann die Eingabe nicht verwenden: {reason}")
        }
        (_, Some(Failure::Blocked { .. })) => "Fehlgeschlagen: Es verstößt gegen die Regeln des Dienstes".to_owned(),
        (_, Some(Failure::Unchecked)) => "Fehlgeschlagen: Es konnte nicht geprüft werden".to_owned(),
        (_, Some(Failure::Internal)) => "Fehlgeschlagen: Bei uns ist etwas schiefgelaufen".to_owned(),
        (_, Some(Failure::ProviderUnavailable)) => "Fehlgeschlagen: Kein KI-Anbieter war verfügbar".to_owned(),
        (_, Some(Failure::DeadlinePassed)) => "Fehlgeschlagen: Es hat zu lange gedauert".to_owned(),
        (_, Some(Failure::InputMissing)) => "Fehlgeschlagen: Das Referenzbild ist nicht mehr da".to_owned(),
        (GenerationStatus::Queued | GenerationStatus::Running | GenerationStatus::Canceling, None) => {
            "Noch nicht generiert".to_owned()
        }
        (GenerationStatus::Canceled, None) => "Abgebrochen".to_owned(),
        (GenerationStatus::Succeeded | GenerationStatus::Failed, None) => "Gelöscht".to_owned(),
    },
    uploads: "Uploads",
    untitled: "Ohne Namen",
    deleted: "Gelöscht",
    pending_upload: "Nicht hochgeladen oder noch nicht geprüft",
    rejected: |code, _| {
        let reason = match code {
            RejectionCode::NotAsDeclared => "Die Datei ist nicht vollständig angekommen",
            RejectionCode::WrongKind => "Es ist ein Video statt eines Bilds oder ein Bild statt eines Videos",
            RejectionCode::UnsupportedFormat => "Das Format wird nicht unterstützt",
            RejectionCode::Animated => "Das Bild ist animiert",
            RejectionCode::UnsupportedFeature => "Diese Art von Datei wird nicht unterstützt",
            RejectionCode::Damaged => "Die Datei ist unvollständig oder beschädigt",
            RejectionCode::KnownContent => {
                "Die Datei gleicht einer, die aus einem schwerwiegenden Grund gelöscht wurde"
            }
            RejectionCode::Dimensions => "Die Datei hat keine oder zu viele Pixel",
            RejectionCode::Duration => "Das Video hat keine Dauer oder ist zu lang",
            RejectionCode::TooLarge => "Das Bild ist zu groß",
        };
        format!("Abgelehnt: {reason}")
    },
    bytes: "Bytes",
    files: "Alle Dateien",
    file: "Datei",
    contents: "Inhalt",
    items: "Einträge",
    schema: "Schema",
    purpose: |kind| match kind {
        "account" => "Dein Profil, dein Tarif, deine Credits und Einstellungen",
        "ledger" => "Jede Änderung deines Credit-Guthabens mit ihrem Grund",
        "redemption" => "Gutscheincodes, die du eingelöst hast",
        "payment" => "Deine Käufe und Erstattungen; Unbezahltes wird nach 90 Tagen gelöscht",
        "generation" => "Deine Prompts, Einstellungen und Ergebnisse",
        "upload" => "Angaben zu deinen Uploads und das Ergebnis ihrer Prüfung",
        "share" => "Deine Freigabelinks",
        "idempotency" => "Antworten auf die letzten Anfragen, damit eine wiederholte Anfrage nur einmal wirkt",
        "activity" => "IP-Adresse und Browser deiner Anmeldungen, Generierungen und Käufe, um Missbrauch zu erkennen",
        "export" => "Deine Datenexporte",
        "correction" => "Was du in deinem Konto berichtigt hast und wann, ohne den früheren Wert",
        "email-change" => "Deine neue E-Mail-Adresse, bis du sie bestätigst",
        "second-factor" => "Deine Passkeys, um dich sicher anzumelden",
        "access" => "Jeder Zugriff des Teams auf deine Daten, mit dem Grund",
        "case" => {
            "Meldungen deiner Bilder und Videos nach Anzahl und Grund, die Entscheidung mit ihren Gründen und dein Einspruch"
        }
        "case-notes" => "Interne Notizen des Teams zu deinen Tickets, Zahlungen und anderen Vorgängen",
        "ticket" => "Deine Support-Tickets mit allen Nachrichten",
        other => purpose(other),
    },
    other_files: |files| {
        format!(
            "Buchungen und Zahlungen gibt es auch als CSV: <a href=\"data/ledger.csv\">data/ledger.csv</a>, \
            <a href=\"data/payment.csv\">data/payment.csv</a>. Was du generiert oder hochgeladen hast \
            (Dateien: {files}), liegt in den Ordnern media und uploads. \
            <a href=\"manifest.json\">manifest.json</a> nennt jede Datei mit Größe und SHA-256-Hash."
        )
    },
};

/// Returns the purpose of a kind from the registry, in English.
fn purpose(kind: &str) -> &'static str {
    registry::data_kind(kind).map_or("", |kind| kind.purpose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents;

    #[test]
    fn every_exported_kind_has_a_german_text() {
        for kind in contents::kinds() {
            assert_ne!((GERMAN.purpose)(kind.name), kind.purpose, "{}", kind.name);
        }
    }

    #[test]
    fn every_month_has_a_german_name() {
        for (month, name) in (1..=12).zip(GERMAN_MONTHS) {
            let at = jiff::civil::date(2026, month, 2).at(3, 4, 0, 0);
            assert_eq!((GERMAN.time)(at), format!("2. {name} 2026, 03:04"));
        }
    }
}
