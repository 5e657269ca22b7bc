//! The preview card of a share link, which chat applications show for its address ([Open Graph](https://ogp.me/)). It shows
//! what the link shows, and does not reveal the owner.

use domain::catalogue::models::MediaKind;

/// Holds what a preview card shows.
pub(crate) struct Card<'a> {
    /// The name of the service.
    pub service: &'a str,
    /// The address of the page behind the link.
    pub page: &'a str,
    /// Whether an image or a video is shared.
    pub kind: MediaKind,
    /// The prompt, if the owner shows it.
    pub prompt: Option<&'a str>,
    /// Whether there is a preview image.
    pub has_image: bool,
}

/// The most characters of a prompt on a card.
const PROMPT_CHARACTERS: usize = 200;

impl Card<'_> {
    /// Returns the page with the card in its head.
    pub(crate) fn insert_into(&self, page: &str) -> String {
        page.replacen("</head>", &format!("{}</head>", self.tags()), 1)
    }

    fn tags(&self) -> String {
        let title = match self.kind {
            MediaKind::Image => format!("An image created with {}", self.service),
            MediaKind::Video => format!("A video created with {}", self.service),
        };
        let mut tags = vec![
            ("name", "robots", "noindex".to_owned()),
            ("property", "og:site_name", self.service.to_owned()),
            ("property", "og:type", "website".to_owned()),
            ("property", "og:title", title),
            ("property", "og:url", self.page.to_owned()),
            ("name", "twitter:card", "summary_large_image".to_owned()),
        ];
        if let Some(prompt) = self.prompt {
            tags.push(("property", "og:description", prompt.chars().take(PROMPT_CHARACTERS).collect()));
        }
        if self.has_image {
            tags.push(("property", "og:image", format!("{}/card", self.page)));
        }
        let tag = |(kind, name, content): (&str, &str, String)| {
            format!("<meta {kind}=\"{name}\" content=\"{}\" />", escaped(&content))
        };
        tags.into_iter().map(tag).collect()
    }
}

/// Escapes text for an attribute in double quotes.
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
        let card = Card {
            service: "Darkroom",
            page: "https://d.example/s/t",
            kind: MediaKind::Image,
            prompt,
            has_image: true,
        };
        let page = card.insert_into("<head></head><body></head></body>");
        assert!(page.contains(description), "{page}");
        assert_eq!(page.matches("og:title").count(), 1);
    }

    #[test]
    fn card_shows_image_and_prompt_of_the_link() {
        check(None, r#"<meta property="og:image" content="https://d.example/s/t/card" />"#);
        check(Some("a lighthouse"), r#"<meta property="og:description" content="a lighthouse" />"#);
    }

    #[test]
    fn card_escapes_markup_in_the_prompt() {
        check(
            Some(r#""/><script>alert('1')</script>"#),
            "content=\"&quot;/&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\" />",
        );
    }
}
