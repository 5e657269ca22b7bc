//! The HTML that all pages share.

use axum::response::Html;

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2328; background: #f6f7f9; margin: 0 auto; max-width: 60rem;
  padding: 0 1rem 4rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem } h3 { font-size: 1rem; margin: 0 }
.notice { background: #fff4ce; border: 1px solid #e3c565; border-radius: 6px; padding: .5rem 1rem; margin: 1rem 0 }
.card { background: #fff; border: 1px solid #d8dce1; border-radius: 8px; padding: 1rem; margin: 0 0 1rem }
.state { display: inline-block; border-radius: 999px; background: #e8eaee; padding: 0 .6rem; font-size: .85rem }
.quiet { color: #5b636d; font-size: .875rem; overflow-wrap: anywhere }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .5rem 0 0 }
form.tall { flex-direction: column; align-items: stretch }
button, input { font: inherit; font-size: .9rem; padding: .3rem .7rem; border: 1px solid #b4bac2; border-radius: 6px;
  background: #fff; color: inherit }
button { cursor: pointer } button:hover, button:focus-visible { background: #eef1f5 }
button.main { background: #1a56db; border-color: #1a56db; color: #fff } button.main:hover { background: #1747b5 }
label { display: flex; flex-direction: column; font-size: .875rem }
table { border-collapse: collapse; width: 100%; background: #fff; font-size: .875rem }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #e4e7eb; vertical-align: top;
  overflow-wrap: anywhere }
td form { margin: 0 }
";

/// Renders a page. `body` is HTML, `title` is text.
pub(super) fn page(title: &str, body: &str) -> Html<String> {
    let title = escape(title);
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>\
         <p class=\"notice\">These are fake versions of Stripe and PayPal on this machine. No money moves. \
         <strong>Do not enter real card numbers.</strong></p>{body}</body></html>"
    ))
}

/// Renders a button that posts its form to `path`.
pub(super) fn button(path: &str, text: &str) -> String {
    format!("<button formaction=\"{}\">{}</button>", escape(path), escape(text))
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_replaces_all_special_characters() {
        assert_eq!(escape("<b a=\"1\">R&B's"), "&lt;b a=&quot;1&quot;&gt;R&amp;B&#39;s");
    }
}
