//! The page that a person reads: everything at a glance, with the pictures, from the archive alone.
//!
//! It has no script and asks nobody for anything. Whatever a person or a provider wrote is escaped.

mod style;

use domain::{
    Credits,
    accounts::{account::Account, preferences::Theme},
    generations::{
        generation::{Failure, Generation, GenerationStatus, Visibility},
        upload::{Upload, UploadState},
    },
    payments::payment::Payment,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    names,
    outline::{Chapter, purpose},
    stock::{self, ArchiveContents, Line},
};

/// A chapter, of the lines on its page of the stock.
pub(crate) fn chapter(chapter: Chapter, lines: &[Line], stock: &ArchiveContents, asked_at: Timestamp) -> String {
    let of_kind = |wanted: &'static str| lines.iter().filter(move |line| line.kind == wanted);
    match chapter {
        Chapter::Opening(_) => {
            let account = of_kind("account").find_map(|line| serde_json::from_str(&line.json).ok());
            opening(account.as_ref(), stock, asked_at)
        }
        Chapter::Items { kind, first, last, .. } => {
            let (head, render, tail): (_, fn(&str) -> Option<String>, _) = match kind {
                "payment" => (style::PAYMENTS, payment, style::END_OF_TABLE),
                "generation" => (style::ALBUM, generation, style::END_OF_ALBUM),
                _ => (style::UPLOADS, upload, style::END_OF_ALBUM),
            };
            let mut html = if first { head.to_owned() } else { String::new() };
            // One that cannot be read here is in the JSON all the same.
            html.extend(of_kind(kind).filter_map(|line| render(&line.json)));
            if last {
                html += tail;
            }
            html
        }
        Chapter::Closing => closing(stock),
    }
}

fn opening(account: Option<&Account>, stock: &ArchiveContents, asked_at: Timestamp) -> String {
    let mut html = format!("{}<p class=\"lede\">Everything that is held about ", style::HEAD);
    let name = account.map(|account| account.display_name.as_deref().unwrap_or(&account.email));
    html += &format!("{}, as it was on {}.</p>\n</header>\n", wrapped(name.unwrap_or("you")), time(asked_at));
    if let Some(account) = account {
        html += "<section id=\"account\">\n<h2>Account</h2>\n<dl>\n";
        for (term, definition) in terms(account) {
            html += &format!("<dt>{term}</dt><dd>{definition}</dd>\n");
        }
        html += "</dl>\n</section>\n";
    }
    html += "<section id=\"credits\">\n<h2>Credits</h2>\n<table>\n<tr><th>Why</th><th class=\"n\">Entries</th>\
        <th class=\"n\">Credits</th></tr>\n";
    for (cause, moved) in &stock.moved {
        let (entries, credits) = (moved.entries, moved.credits);
        html += &format!("<tr><td>{cause}</td><td class=\"n\">{entries}</td><td class=\"n\">{credits}</td></tr>\n");
    }
    html + "</table>\n<p class=\"more\">What is held for a generation is spent on it or given back. Every entry: \
        <a href=\"data/ledger.csv\">as a table</a>, <a href=\"data/ledger.json\">as JSON</a>.</p>\n</section>\n"
}

fn terms(account: &Account) -> Vec<(&'static str, String)> {
    let theme = match account.preferences.theme {
        Theme::System => "as the device is set",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let mut terms = vec![("Address", wrapped(&account.email))];
    terms.extend(account.display_name.as_deref().map(|name| ("Name", wrapped(name))));
    terms.extend(account.billing_email.as_deref().map(|email| ("Address for receipts", wrapped(email))));
    terms.extend([
        ("Since", time(account.created_at)),
        ("Status", account.status().to_string()),
        ("Credits", format!("{} available, {} held", account.balance.available, account.balance.held)),
        ("Theme", theme.to_owned()),
        ("Language", wrapped(&account.preferences.language)),
    ]);
    terms
}

fn payment(json: &str) -> Option<String> {
    let payment: Payment = serde_json::from_str(json).ok()?;
    let receipt = payment.receipt.as_ref();
    Some(format!(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>\n",
        time(payment.created_at),
        escaped(&payment.package),
        payment.credits,
        receipt.map_or(payment.price, |receipt| receipt.total),
        payment.status().as_str().replace('_', " "),
        escaped(receipt.map_or("", |receipt| &receipt.transaction)),
    ))
}

fn generation(json: &str) -> Option<String> {
    let generation: Generation = serde_json::from_str(json).ok()?;
    let settings = &generation.settings;
    let mut html = "<article>\n".to_owned();
    // One that is being removed has no files any more.
    for medium in generation.media.iter().filter(|_| !generation.deleting) {
        let name = |key: &str| escaped(&names::of_medium(generation.id, key.rsplit('/').next().unwrap_or_default()));
        let (full, small) = (name(&medium.key), name(medium.thumbnail_key.as_deref().unwrap_or(&medium.key)));
        let (width, height, alt) = (medium.width, medium.height, escaped(&settings.prompt));
        html += &if medium.duration_ms.is_some() {
            format!(
                "<video src=\"{full}\" poster=\"{small}\" width=\"{width}\" height=\"{height}\" controls preload=\"none\"></video>\n"
            )
        } else {
            format!(
                "<a href=\"{full}\"><img src=\"{small}\" alt=\"{alt}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\"></a>\n"
            )
        };
    }
    if generation.media.is_empty() || generation.deleting {
        html += &format!("<p class=\"none\">{}</p>\n", escaped(&fate(&generation)));
    }
    html += &format!("<p class=\"prompt\" dir=\"auto\">{}</p>\n", escaped(&settings.prompt));
    if let Some(negative) = &settings.negative_prompt {
        html += &format!("<p class=\"prompt\" dir=\"auto\">not: {}</p>\n", escaped(negative));
    }
    let seed = settings.seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    let shown = match generation.visibility {
        Visibility::Private => "",
        Visibility::Public => ", shown to everybody",
    };
    Some(
        html + &format!(
            "<p class=\"meta\">{}<br>{}, {}×{}{seed}<br>{}{shown}</p>\n</article>\n",
            time(generation.created_at),
            escaped(&settings.model),
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

fn fate(generation: &Generation) -> String {
    match (generation.status, &generation.failure) {
        (_, Some(Failure::Rejected { reason })) => format!("refused: {reason}"),
        (_, Some(Failure::Internal)) => "failed by our mistake".to_owned(),
        (_, Some(Failure::ProviderUnavailable)) => "failed: nobody could make it".to_owned(),
        (_, Some(Failure::DeadlinePassed)) => "failed: it took too long".to_owned(),
        (_, Some(Failure::InputMissing)) => "failed: its input image was gone".to_owned(),
        (GenerationStatus::Queued | GenerationStatus::Running, None) => "not made yet".to_owned(),
        (GenerationStatus::Canceled, None) => "taken back".to_owned(),
        (GenerationStatus::Succeeded | GenerationStatus::Failed, None) => "removed".to_owned(),
    }
}

fn upload(json: &str) -> Option<String> {
    let upload: Upload = serde_json::from_str(json).ok()?;
    let called = upload.file_name.as_deref().unwrap_or("without a name");
    let file = match &upload.state {
        UploadState::Ready { width, height, duration_ms, .. } if !upload.deleting => {
            let name = escaped(&names::of_upload(&upload, "inspected"));
            if duration_ms.is_some() {
                format!(
                    "<video src=\"{name}\" width=\"{width}\" height=\"{height}\" controls preload=\"none\"></video>\n"
                )
            } else {
                let alt = escaped(called);
                format!(
                    "<a href=\"{name}\"><img src=\"{name}\" alt=\"{alt}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\"></a>\n"
                )
            }
        }
        UploadState::Ready { .. } => "<p class=\"none\">removed</p>\n".to_owned(),
        UploadState::Pending => "<p class=\"none\">not arrived, or not inspected yet</p>\n".to_owned(),
        UploadState::Rejected { reason } => format!("<p class=\"none\">rejected: {}</p>\n", escaped(reason)),
    };
    Some(format!(
        "<article>\n{file}<p class=\"prompt\">{}</p>\n<p class=\"meta\">{}<br>{}, {} bytes</p>\n</article>\n",
        wrapped(called),
        time(upload.created_at),
        escaped(&upload.content_type),
        upload.bytes,
    ))
}

fn closing(stock: &ArchiveContents) -> String {
    let mut html = "<section id=\"files\">\n<h2>All of it</h2>\n<table>\n<tr><th>File</th><th>What it holds</th>\
        <th class=\"n\">Items</th><th>Described in</th></tr>\n"
        .to_owned();
    for kind in stock::kinds() {
        let (name, items) = (kind.name, stock.run(kind.name).map_or(0, |run| run.items));
        html += &format!(
            "<tr><td><a href=\"data/{name}.json\">data/{name}.json</a></td><td>{}</td><td class=\"n\">{items}</td>\
            <td><a href=\"schemas/{name}.schema.json\">schema</a></td></tr>\n",
            escaped(purpose(name)),
        );
    }
    let files = stock.files;
    html + &format!(
        "</table>\n<p class=\"more\">Ledger and payments are also tables for a spreadsheet: \
        <a href=\"data/ledger.csv\">data/ledger.csv</a>, <a href=\"data/payment.csv\">data/payment.csv</a>. \
        The {files} files that you made or uploaded are under media and uploads. \
        <a href=\"manifest.json\">manifest.json</a> lists every file with its size and SHA-256.</p>\n\
        </section>\n</main>\n</body>\n</html>\n"
    )
}

/// A text in its own direction of writing.
fn wrapped(text: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(text))
}

fn time(at: Timestamp) -> String {
    let shown = TimeZone::UTC.to_datetime(at).strftime("%-d %B %Y, %H:%M");
    format!("<time datetime=\"{at}\">{shown} UTC</time>")
}

/// Text that stays text, within an element and within a quoted attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
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
