//! Writes the index page of the archive, which shows the account, its images and videos without a network connection,
//! in the language of the account.
//!
//! The page has no scripts and loads nothing from outside the archive. Text of users and providers is escaped.

mod style;
mod texts;

use domain::{
    accounts::account::Account,
    generations::{
        generation::Generation,
        output::Visibility,
        upload::{Upload, UploadState},
    },
    payments::payment::Payment,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    contents::{self, ArchiveContents, ItemLine},
    layout::Chapter,
    names,
};
use texts::Texts;

/// Writes a chapter from the lines on its page of the snapshot.
pub(crate) fn chapter(
    chapter: Chapter,
    lines: &[ItemLine],
    contents: &ArchiveContents,
    requested_at: Timestamp,
) -> String {
    let texts = Texts::of(contents.language);
    let of_kind = |wanted: &'static str| lines.iter().filter(move |line| line.kind == wanted);
    match chapter {
        Chapter::Opening(_) => {
            let account = of_kind("account").find_map(|line| serde_json::from_str(&line.json).ok());
            opening(account.as_ref(), contents, requested_at, texts)
        }
        Chapter::Items { kind, first, last, .. } => {
            let (head, render, tail): (_, fn(&str, &Texts) -> Option<String>, _) = match kind {
                "payment" => (payments(texts), payment, end_of_payments(texts)),
                "generation" => (album(kind, texts.generations), generation, style::END_OF_ALBUM.to_owned()),
                _ => (album(kind, texts.uploads), upload, style::END_OF_ALBUM.to_owned()),
            };
            let mut html = if first { head } else { String::new() };
            // An item that cannot be parsed is still in the JSON file.
            html.extend(of_kind(kind).filter_map(|line| render(&line.json, texts)));
            if last {
                html += &tail;
            }
            html
        }
        Chapter::Closing => closing(contents, texts),
    }
}

fn opening(account: Option<&Account>, contents: &ArchiveContents, requested_at: Timestamp, texts: &Texts) -> String {
    let (lang, service) = (texts.lang, escape(&contents.service));
    let title = (texts.title)(&service);
    let name = account.map(|account| account.display_name.as_deref().unwrap_or(&account.email));
    let lede = (texts.lede)(&isolated(name.unwrap_or(texts.you)), &time(requested_at, texts));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n{}<title>{title}</title>\n{}\
        <h1>{service}</h1>\n<p class=\"lede\">{lede}</p>\n</header>\n",
        style::HEAD,
        style::STYLE,
    );
    if let Some(account) = account {
        html += &format!("<section id=\"account\">\n<h2>{}</h2>\n<dl>\n", texts.account);
        for (term, definition) in terms(account, texts) {
            html += &format!("<dt>{term}</dt><dd>{definition}</dd>\n");
        }
        html += "</dl>\n</section>\n";
    }
    let Texts { credits, reason, entries, all_entries, .. } = texts;
    html += &format!(
        "<section id=\"credits\">\n<h2>{credits}</h2>\n<table>\n<tr><th>{reason}</th><th class=\"n\">{entries}</th>\
        <th class=\"n\">{credits}</th></tr>\n"
    );
    for (cause, moved) in &contents.moved {
        let (cause, entries, credits) = ((texts.cause)(*cause), moved.entries, moved.credits);
        html += &format!("<tr><td>{cause}</td><td class=\"n\">{entries}</td><td class=\"n\">{credits}</td></tr>\n");
    }
    html + &format!(
        "</table>\n<p class=\"more\">{all_entries} <a href=\"data/ledger.csv\">CSV</a>, \
        <a href=\"data/ledger.json\">JSON</a>.</p>\n</section>\n"
    )
}

fn terms(account: &Account, texts: &Texts) -> Vec<(&'static str, String)> {
    let balance = account.balance;
    let mut terms = vec![(texts.email, isolated(&account.email))];
    terms.extend(account.display_name.as_deref().map(|name| (texts.name, isolated(name))));
    terms.extend(account.billing_email.as_deref().map(|email| (texts.billing_email, isolated(email))));
    terms.extend([
        (texts.member_since, time(account.created_at, texts)),
        (texts.status, (texts.account_status)(account.status())),
        (texts.credits, (texts.balance)(balance.available.0, balance.held.0)),
        (texts.theme, (texts.theme_name)(account.preferences.theme).to_owned()),
        (texts.language, isolated(&account.preferences.language)),
    ]);
    terms
}

fn payments(texts: &Texts) -> String {
    let Texts { payments, date, package, credits, amount, status, transaction, .. } = texts;
    format!(
        "<section id=\"payments\">\n<h2>{payments}</h2>\n<table>\n<tr><th>{date}</th><th>{package}</th>\
        <th class=\"n\">{credits}</th><th class=\"n\">{amount}</th><th>{status}</th><th>{transaction}</th></tr>\n"
    )
}

fn end_of_payments(texts: &Texts) -> String {
    format!(
        "</table>\n<p class=\"more\">{} <a href=\"data/payment.csv\">CSV</a>, \
        <a href=\"data/payment.json\">JSON</a>.</p>\n</section>\n",
        texts.all_fields
    )
}

fn album(kind: &str, heading: &str) -> String {
    format!("<section id=\"{kind}s\">\n<h2>{heading}</h2>\n<div class=\"album\">\n")
}

fn payment(json: &str, texts: &Texts) -> Option<String> {
    let payment: Payment = serde_json::from_str(json).ok()?;
    let receipt = payment.receipt.as_ref();
    let amount = receipt.map_or(payment.price, |receipt| receipt.total);
    Some(format!(
        "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{} {}</td><td>{}</td><td>{}</td></tr>\n",
        time(payment.created_at, texts),
        escape(&payment.package),
        payment.credits,
        amount.decimal().replace('.', texts.decimal_mark),
        amount.currency,
        (texts.payment_status)(payment.status()),
        escape(receipt.map_or("", |receipt| &receipt.transaction)),
    ))
}

fn generation(json: &str, texts: &Texts) -> Option<String> {
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
        html += &format!(
            "<p class=\"none\">{}</p>\n",
            escape(&(texts.outcome)(generation.status, generation.failure.as_ref()))
        );
    }
    html += &format!("<p class=\"prompt\" dir=\"auto\">{}</p>\n", escape(&settings.prompt));
    if let Some(negative) = &settings.negative_prompt {
        html += &format!("<p class=\"prompt\" dir=\"auto\">{} {}</p>\n", texts.negative_prompt, escape(negative));
    }
    let quality = settings.quality.map(texts.quality).map_or_else(String::new, |quality| format!(", {quality}"));
    let seed = settings.seed.map_or_else(String::new, |seed| format!(", {} {seed}", texts.seed));
    let public = generation.present_outputs().filter(|output| output.visibility == Visibility::Public).count();
    let shown = match (public, generation.present_outputs().count()) {
        (0, _) => String::new(),
        (public, all) if public == all => format!(", {}", texts.public),
        (public, all) => format!(", {}", (texts.some_public)(public, all)),
    };
    Some(
        html + &format!(
            "<p class=\"meta\">{}<br>{}, {}×{}{quality}{seed}<br>{}{shown}</p>\n</article>\n",
            time(generation.created_at, texts),
            escape(&settings.model),
            settings.size.width,
            settings.size.height,
            (texts.credits_spent)(generation.spent.0),
        ),
    )
}

fn upload(json: &str, texts: &Texts) -> Option<String> {
    let upload: Upload = serde_json::from_str(json).ok()?;
    let called = upload.file_name.as_deref().unwrap_or(texts.untitled);
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
        UploadState::Ready { .. } => format!("<p class=\"none\">{}</p>\n", texts.deleted),
        UploadState::Pending => format!("<p class=\"none\">{}</p>\n", texts.pending_upload),
        UploadState::Rejected { code, reason } => {
            format!("<p class=\"none\">{}</p>\n", escape(&(texts.rejected)(*code, reason)))
        }
    };
    Some(format!(
        "<article>\n{file}<p class=\"prompt\">{}</p>\n<p class=\"meta\">{}<br>{}, {} {}</p>\n</article>\n",
        isolated(called),
        time(upload.created_at, texts),
        escape(&upload.content_type),
        upload.bytes,
        texts.bytes,
    ))
}

fn closing(contents: &ArchiveContents, texts: &Texts) -> String {
    let Texts { files, file, contents: holds, items, schema, .. } = texts;
    let mut html = format!(
        "<section id=\"files\">\n<h2>{files}</h2>\n<table>\n<tr><th>{file}</th><th>{holds}</th>\
        <th class=\"n\">{items}</th><th>{schema}</th></tr>\n"
    );
    for kind in contents::kinds() {
        let (name, items) = (kind.name, contents.run(kind.name).map_or(0, |run| run.items));
        html += &format!(
            "<tr><td><a href=\"data/{name}.json\">data/{name}.json</a></td><td>{}</td><td class=\"n\">{items}</td>\
            <td><a href=\"schemas/{name}.schema.json\">{schema}</a></td></tr>\n",
            escape((texts.purpose)(name)),
        );
    }
    let other_files = (texts.other_files)(contents.files);
    html + &format!("</table>\n<p class=\"more\">{other_files}</p>\n</section>\n</main>\n</body>\n</html>\n")
}

/// Escapes a text and isolates its writing direction.
fn isolated(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

fn time(at: Timestamp, texts: &Texts) -> String {
    let shown = (texts.time)(TimeZone::UTC.to_datetime(at));
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
