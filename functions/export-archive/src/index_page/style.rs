//! The constant parts of the index page.

/// The beginning of the head, after the language. Its [content security policy](https://www.w3.org/TR/CSP3/) allows
/// files of the archive only.
pub(super) const HEAD: &str = r#"<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
"#;

/// The rest of the head after the title, and the beginning of the body.
pub(super) const STYLE: &str = r#"<style>
:root { color-scheme: light dark; --ink: #1c1b19; --faint: #6d6a64; --line: #dedbd4; --paper: #faf8f4; --card: #fff; --link: #8a3a12 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ece8e1; --faint: #9d988f; --line: #35322e; --paper: #161513; --card: #1f1d1b; --link: #e9a27c }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 3rem 1.25rem 5rem }
h1 { font-size: 2.4rem; font-weight: 300; letter-spacing: .01em; margin: 0 }
h2 { font-size: 1.3rem; font-weight: 600; margin: 3.5rem 0 1rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line) }
a { color: var(--link) }
.lede { color: var(--faint); margin: .4rem 0 0 }
.more, .meta, .none { color: var(--faint); font-size: .875rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.5rem; margin: 0 }
dt { color: var(--faint) }
dd { margin: 0; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse; font-size: .9375rem }
th, td { text-align: start; padding: .45rem 1.5rem .45rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; vertical-align: top }
th { color: var(--faint); font-weight: 500 }
.n { text-align: end; font-variant-numeric: tabular-nums }
.album { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.25rem; align-items: start }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; padding-bottom: .4rem }
article img, article video { display: block; width: 100%; height: auto; background: var(--line) }
article p { margin: .6rem .9rem; overflow-wrap: anywhere }
.prompt { white-space: pre-wrap }
.none { padding: 2.5rem 0; text-align: center }
@media print { article { break-inside: avoid } }
</style>
</head>
<body>
<main>
<header>
"#;

/// Ends the section of generations or uploads.
pub(super) const END_OF_ALBUM: &str = "</div>\n</section>\n";
