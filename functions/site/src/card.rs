//! The preview card of a share link: what a messenger or a search engine shows of the address
//! ([Open Graph](https://ogp.me/)). It says what the link shows, and nothing of whose it is.

use domain::catalogue::models::MediaKind;

/// What is on it.
pub(crate) struct Card<'a> {
    /// The address of the page.
    pub page: &'a str,
    /// What is shown.
    pub kind: MediaKind,
    /// What it was made from, if its owner shows that.
    pub prompt: Option<&'a str>,
    /// Whether there is a picture.
    pub has_picture: bool,
}

/// Characters of a prompt on a card.
const PROMPT_CHARACTERS: usize = 200;

impl Card<'_> {
    /// The page with the card in its head.
    pub(crate) fn put_into(&self, page: &str) -> String {
        page.replacen("</head>", &format!("{}</head>", self.tags()), 1)
    }

    fn tags(&self) -> String {
        let title = match self.kind {
            MediaKind::Image => "A picture, made with Darkroom",
            MediaKind::Video => "A film, made with Darkroom",
        };
        let mut tags = vec![
            ("name", "robots", "noindex".to_owned()),
            ("property", "og:site_name", "Darkroom".to_owned()),
            ("property", "og:type", "website".to_owned()),
            ("property", "og:title", title.to_owned()),
            ("property", "og:url", self.page.to_owned()),
            ("name", "twitter:card", "summary_large_image".to_owned()),
        ];
        if let Some(prompt) = self.prompt {
            tags.push(("property", "og:description", prompt.chars().take(PROMPT_CHARACTERS).collect()));
        }
        if self.has_picture {
            tags.push(("property", "og:image", format!("{}/card", self.page)));
        }
        let tag = |(kind, name, content): (&str, &str, String)| {
            format!("<meta {kind}=\"{name}\" content=\"{}\" />", escaped(&content))
        };
        tags.into_iter().map(tag).collect()
    }
}

/// Text that stays text between double quotes, whatever is in it.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: Option<&str>, description: &str) {
        let card = Card { page: "https://d.example/s/t", kind: MediaKind::Image, prompt, has_picture: true };
        let page = card.put_into("<head></head><body></head></body>");
        assert!(page.contains(description), "{page}");
        assert_eq!(page.matches("og:title").count(), 1);
    }

    #[test]
    fn a_card_says_what_the_link_shows() {
        check(None, r#"<meta property="og:image" content="https://d.example/s/t/card" />"#);
        check(Some("a lighthouse"), r#"<meta property="og:description" content="a lighthouse" />"#);
    }

    #[test]
    fn a_prompt_full_of_markup_stays_text() {
        check(
            Some(r#""/><script>alert('1')</script>"#),
            "content=\"&quot;/&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\" />",
        );
    }
}
