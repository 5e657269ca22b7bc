//! Writes the index page of the archive, which shows the account, its images and videos without a network connection.
//!
//! The page has no scripts and loads nothing from outside the archive. Text of users and providers is escaped.

mod style;

use domain::{
    Credits,
    accounts::{account::Account, preferences::Theme},
    catalogue::models::Quality,
    generations::{
        generation::{Failure, Generation, GenerationStatus},
        output::Visibility,
        upload::{Upload, UploadState},
    },
    payments::payment::Payment,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    contents::{self, ArchiveContents, ItemLine},
    layout::{Chapter, purpose},
    names,
};

/// Writes a chapter from the lines on its page of the snapshot.
pub(crate) fn chapter(
    chapter: Chapter,
    lines: &[ItemLine],
    contents: &ArchiveContents,
    requested_at: Timestamp,
) -> String {
    let of_kind = |wanted: &'static str| lines.iter().filter(move |line| line.kind == wanted);
    match chapter {
        Chapter::Opening(_) => {
            let account = of_kind("account").find_map(|line| serde_json::from_str(&line.json).ok());
            opening(account.as_ref(), contents, requested_at)
        }
        Chapter::Items { kind, first, last, .. } => {
            let (head, render, tail): (_, fn(&str) -> Option<String>, _) = match kind {
                "payment" => (style::PAYMENTS, payment, style::END_OF_PAYMENTS),
                "generation" => (style::GENERATIONS, generation, style::END_OF_ALBUM),
                _ => (style::UPLOADS, upload, style::END_OF_ALBUM),
            };
            let mut html = if first { head.to_owned() } else { String::new() };
            // An item that cannot be parsed is still in the JSON file.
            html.extend(of_kind(kind).filter_map(|line| render(&line.json)));
            if last {
                html += tail;
            }
            html
        }
        Chapter::Closing => closing(contents),
    }
}

fn opening(account: Option<&Account>, contents: &ArchiveContents, requested_at: Timestamp) -> String {
    let mut html = format!("{}<p class=\"lede\">Everything that we store about ", style::HEAD);
    let name = account.map(|account| account.display_name.as_deref().unwrap_or(&account.email));
    html += &format!("{}, as it was on {}.</p>\n</header>\n", isolated(name.unwrap_or("you")), time(requested_at));
    if let Some(account) = account {
        html += "<section id=\"account\">\n<h2>Account</h2>\n<dl>\n";
        for (term, definition) in terms(account) {
            html += &format!("<dt>{term}</dt><dd>{definition}</dd>\n");
        }
        html += "</dl>\n</section>\n";
    }
    html += "<section id=\"credits\">\n<h2>Credits</h2>\n<table>\n<tr><th>Reason</th><th class=\"n\">Entries</th>\
        <th class=\"n\">Credits</th></tr>\n";
    for (cause, moved) in &contents.moved {
        let (entries, credits) = (moved.entries, moved.credits);
        html += &format!("<tr><td>{cause}</td><td class=\"n\">{entries}</td><td class=\"n\">{credits}</td></tr>\n");
    }
    html + "</table>\n<p class=\"more\">Credits on hold for a generation are either spent or refunded. All entries: \
        <a href=\"data/ledger.csv\">CSV</a>, <a href=\"data/ledger.json\">JSON</a>.</p>\n</section>\n"
}

fn terms(account: &Account) -> Vec<(&'static str, String)> {
    let theme = match account.preferences.theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let mut terms = vec![("Email address", isolated(&account.email))];
    terms.extend(account.display_name.as_deref().map(|name| ("Name", isolated(name))));
    terms.extend(account.billing_email.as_deref().map(|email| ("Billing email", isolated(email))));
    terms.extend([
        ("Member since", time(account.created_at)),
        ("Status", account.status().to_string()),
        ("Credits", format!("{} available, {} on hold", account.balance.available, account.balance.held)),
        ("Theme", theme.to_owned()),
        ("Language", isolated(&account.preferences.language)),
    ]);
    terms
}

fn payment(json: &str) -> Option<String> {
    let payment: Payment = serde_json::from_str(json).ok()?;
    let receipt = payment.receipt.as_ref();
    Some(format!(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>\n",
        time(payment.created_at),
        escape(&payment.package),
        payment.credits,
        receipt.map_or(payment.price, |receipt| receipt.total),
        payment.status().as_str().replace('_', " "),
        escape(receipt.map_or("", |receipt| &receipt.transaction)),
    ))
}

fn generation(json: &str) -> Option<String> {
    let generation: Generation = serde_json::from_str(json).ok()?;
    let settings = &generation.settings;
    let mut html = "<article>\n".to_owned();
    // A deleted output has no file any more.
    for file in generation.present_outputs().map(|output| &output.file) {
        let name = |key: &str| escape(&names::of_media(generation.id, key.rsplit('/').next().unwrap_or_default()));
        let (full, small) = (name(&file.key), name(file.thumbnail_key.as_deref().unwrap_or(&file.key)));
        let (width, height, alt) = (file.width, file.height, escape(&settings.prompt));
        html += &if file.duration_ms.is_some() {
            format!(
                "<video src=\"{full}\" poster=\"{small}\" width=\"{width}\" height=\"{height}\" controls preload=\"none\"></video>\n"
            )
        } else {
            format!(
                "<a href=\"{full}\"><img src=\"{small}\" alt=\"{alt}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\"></a>\n"
            )
        };
    }
    if generation.present_outputs().next().is_none() {
        html += &format!("<p class=\"none\">{}</p>\n", escape(&outcome_text(&generation)));
    }
    html += &format!("<p class=\"prompt\" dir=\"auto\">{}</p>\n", escape(&settings.prompt));
    if let Some(negative) = &settings.negative_prompt {
        html += &format!("<p class=\"prompt\" dir=\"auto\">Negative prompt: {}</p>\n", escape(negative));
    }
    let seed = settings.seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    let quality = match settings.quality {
        None => "",
        Some(Quality::Low) => ", draft quality",
        Some(Quality::Medium) => ", standard quality",
        Some(Quality::High) => ", best quality",
    };
    let public = generation.present_outputs().filter(|output| output.visibility == Visibility::Public).count();
    let shown = match (public, generation.present_outputs().count()) {
        (0, _) => String::new(),
        (public, all) if public == all => ", public".to_owned(),
        (public, all) => format!(", {public} of {all} public"),
    };
    Some(
        html + &format!(
            "<p class=\"meta\">{}<br>{}, {}×{}{quality}{seed}<br>{}{shown}</p>\n</article>\n",
            time(generation.created_at),
            escape(&settings.model),
            settings.size.width,
            settings.size.height,
            if generation.spent == Credits(1) {
                "1 credit".to_owned()
            } else {
                format!("{} credits", generation.spent)
            },
        ),
    )
}

fn outcome_text(generation: &Generation) -> String {
    match (generation.status, &generation.failure) {
        (_, Some(Failure::Rejected { reason })) => format!("Failed: the provider refused it: {reason}"),
        (_, Some(Failure::InvalidInput { reason })) => format!("Failed: the provider cannot use the input: {reason}"),
        (_, Some(Failure::Internal)) => "Failed: an error on our side".to_owned(),
        (_, Some(Failure::ProviderUnavailable)) => "Failed: no provider was available".to_owned(),
        (_, Some(Failure::DeadlinePassed)) => "Failed: it took too long".to_owned(),
        (_, Some(Failure::InputMissing)) => "Failed: its starting image no longer exists".to_owned(),
        (GenerationStatus::Queued | GenerationStatus::Running | GenerationStatus::Canceling, None) => {
            "Not generated yet".to_owned()
        }
        (GenerationStatus::Canceled, None) => "Canceled".to_owned(),
        (GenerationStatus::Succeeded | GenerationStatus::Failed, None) => "Deleted".to_owned(),
    }
}

fn upload(json: &str) -> Option<String> {
    let upload: Upload = serde_json::from_str(json).ok()?;
    let called = upload.file_name.as_deref().unwrap_or("Untitled");
    let file = match &upload.state {
        UploadState::Ready { width, height, duration_ms, .. } if !upload.deleting => {
            let name = escape(&names::of_upload(&upload, "inspected"));
            if duration_ms.is_some() {
                format!(
                    "<video src=\"{name}\" width=\"{width}\" height=\"{height}\" controls preload=\"none\"></video>\n"
                )
            } else {
                let alt = escape(called);
                format!(
                    "<a href=\"{name}\"><img src=\"{name}\" alt=\"{alt}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\"></a>\n"
                )
            }
        }
        UploadState::Ready { .. } => "<p class=\"none\">Deleted</p>\n".to_owned(),
        UploadState::Pending => "<p class=\"none\">Not uploaded, or not checked yet</p>\n".to_owned(),
        UploadState::Rejected { reason, .. } => format!("<p class=\"none\">Rejected: {}</p>\n", escape(reason)),
    };
    Some(format!(
        "<article>\n{file}<p class=\"prompt\">{}</p>\n<p class=\"meta\">{}<br>{}, {} bytes</p>\n</article>\n",
        isolated(called),
        time(upload.created_at),
        escape(&upload.content_type),
        upload.bytes,
    ))
}

fn closing(contents: &ArchiveContents) -> String {
    let mut html = "<section id=\"files\">\n<h2>All files</h2>\n<table>\n<tr><th>File</th><th>Contents</th>\
        <th class=\"n\">Items</th><th>Schema</th></tr>\n"
        .to_owned();
    for kind in contents::kinds() {
        let (name, items) = (kind.name, contents.run(kind.name).map_or(0, |run| run.items));
        html += &format!(
            "<tr><td><a href=\"data/{name}.json\">data/{name}.json</a></td><td>{}</td><td class=\"n\">{items}</td>\
            <td><a href=\"schemas/{name}.schema.json\">schema</a></td></tr>\n",
            escape(purpose(name)),
        );
    }
    let files = contents.files;
    html + &format!(
        "</table>\n<p class=\"more\">The ledger and the payments are also available as CSV: \
        <a href=\"data/ledger.csv\">data/ledger.csv</a>, <a href=\"data/payment.csv\">data/payment.csv</a>. \
        The {files} files that you generated or uploaded are in the folders media and uploads. \
        <a href=\"manifest.json\">manifest.json</a> lists every file with its size and SHA-256 hash.</p>\n\
        </section>\n</main>\n</body>\n</html>\n"
    )
}

/// Escapes a text and isolates its writing direction.
fn isolated(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

fn time(at: Timestamp) -> String {
    let shown = TimeZone::UTC.to_datetime(at).strftime("%-d %B %Y, %H:%M");
    format!("<time datetime=\"{at}\">{shown} UTC</time>")
}

/// Escapes a text for use in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests;
