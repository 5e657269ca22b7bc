//! `GET /`, `GET /assets/{file}`, `GET /s/{token}`, `GET /s/{token}/card`, `GET /{proxy+}`: the web client, which is in this
//! binary. `HEAD` is answered like `GET`, without a body
//! ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2)).
//!
//! The client is one page and hashed assets. Its source is in `web/`; `web/src/main.tsx` describes it. Browsers revalidate
//! the page on each use, and cache assets without a limit. Both are compressed at build time.
//!
//! The code of the console is at `GET /staff/assets/{file}`, for browsers with the cookie of `GET /v1/staff/console` only.
//!
//! A share link returns the same page with a preview card in its head, or 404 if the link is not valid. Only this route and its
//! card read the table, twice. They are counted by network, and write nothing else; a repeat returns the same.

mod card;
mod files;
mod policy;

use std::sync::Arc;

use api::{
    Mutations, generations::shares::token_hash, moderation::blocklist::Blocklist, staff::console::may_load_console,
};
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{catalogue::models::MediaKind, generations::output::Media};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION},
};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Problem, RequestContext, StrictPath},
};
use store::{Bucket, Shared};

/// The longest token that is looked up, in characters. Tokens have 43.
const LONGEST_TOKEN: usize = 64;
/// The first path segments of the pages of the client. Other paths get the page with status 404.
const PAGES: [&str; 15] = [
    "sign-in",
    "sign-up",
    "confirm",
    "forgot",
    "reset",
    "gallery",
    "credits",
    "privacy",
    "account",
    "check",
    "support",
    "terms",
    "imprint",
    "transparency",
    "staff",
];

struct App {
    mutations: Mutations,
    bucket: Bucket,
    /// The public origin of the client, for absolute addresses.
    origin: String,
    policy: HeaderValue,
    blocklist: Blocklist,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let bucket = api::open_bucket(&environment, &clients)?;
    let origins = bucket.origins(clock::now()).await?;
    let app = Arc::new(App {
        mutations: Mutations::open(&environment, &clients).await?,
        bucket,
        origin: environment.required("ORIGIN")?,
        policy: HeaderValue::try_from(policy::content_security_policy(&origins))?,
        blocklist: Blocklist::default(),
    });
    Ok(Router::new()
        .route("/", get(async |headers: HeaderMap| files::page(StatusCode::OK, &headers)))
        .route("/s/{token}", get(shared))
        .route("/{*page}", get(page))
        .route_layer(middleware::from_fn_with_state(app.clone(), guard))
        .route("/s/{token}/card", get(card))
        .route("/assets/{file}", get(asset))
        .route("/staff/assets/{file}", get(console_asset))
        .with_state(app))
}

async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    policy::apply(response.headers_mut(), &app.policy);
    response
}

async fn asset(StrictPath(file): StrictPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    files::asset(&file, &headers)
}

/// Serves the code of the console to browsers with its cookie. For everyone else there is none.
async fn console_asset(
    State(app): State<Arc<App>>,
    StrictPath(file): StrictPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !may_load_console(&headers, app.mutations.sealer().await?, clock::now()) {
        return Err(Problem::not_found());
    }
    files::console_asset(&file, &headers)
}

async fn page(StrictPath(path): StrictPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let first = path.split('/').next().unwrap_or_default();
    match first {
        // Unknown routes of the API get problem details, not the page.
        "v1" => Err(Problem::not_found()),
        known if PAGES.contains(&known) => Ok(files::page(StatusCode::OK, &headers)),
        _ => Ok(files::page(StatusCode::NOT_FOUND, &headers)),
    }
}

async fn shared(
    State(app): State<Arc<App>>,
    client: RequestContext,
    StrictPath(token): StrictPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(shown) = app.shared(&token, &client).await? else {
        return Ok(files::page(StatusCode::NOT_FOUND, &headers));
    };
    let page = format!("{}/s/{token}", app.origin);
    let texts = app.mutations.table.texts(clock::now()).await.map_err(api::store_problem)?;
    let card = card::Card {
        service: &texts.name,
        page: &page,
        kind: shown.kind,
        prompt: shown.prompt.as_deref(),
        has_image: preview(&shown.file).is_some(),
    };
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    Ok((headers, card.insert_into(&files::page_text())).into_response())
}

/// Redirects to the image of a preview card with a link that is valid for minutes. A revoked share has none.
async fn card(
    State(app): State<Arc<App>>,
    client: RequestContext,
    StrictPath(token): StrictPath<String>,
) -> Result<Response, Problem> {
    let shown = app.shared(&token, &client).await?.ok_or_else(Problem::not_found)?;
    let key = preview(&shown.file).ok_or_else(Problem::not_found)?;
    let link = app.bucket.media_link(key, clock::now()).await.map_err(api::store_problem)?;
    Ok((StatusCode::FOUND, [(LOCATION, link)]).into_response())
}

/// Returns the key of an image that represents a file: its thumbnail, or the image itself.
fn preview(media: &Media) -> Option<&str> {
    let whole = media.content_type.starts_with("image/").then_some(media.key.as_str());
    media.thumbnail_key.as_deref().or(whole)
}

/// What a valid share link shows.
struct Shown {
    kind: MediaKind,
    prompt: Option<String>,
    file: Media,
}

impl App {
    /// Returns what the share link with this token shows, if it is valid now. Counts the read for the networks of the client.
    ///
    /// # Errors
    /// 429 with the seconds until the next minute, or 500.
    async fn shared(&self, token: &str, client: &RequestContext) -> Result<Option<Shown>, Problem> {
        if token.len() > LONGEST_TOKEN {
            return Ok(None);
        }
        self.mutations.limit_open_read(client, clock::now()).await?;
        let found = self.mutations.table.shared(&token_hash(token)).await.map_err(api::store_problem)?;
        let Some(Shared { share, generation, account }) = found else { return Ok(None) };
        let Ok(output) = share.view(&account, &generation, clock::now()) else { return Ok(None) };
        if self.blocklist.hides(&self.mutations.table, &output.file, clock::now()).await.map_err(api::store_problem)? {
            return Ok(None);
        }
        let file = output.file.clone();
        let prompt = share.show_prompt.then_some(generation.settings.prompt);
        Ok(Some(Shown { kind: generation.kind, prompt, file }))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use domain::{privacy::promise::PROMISES, registry::DATA_KINDS};

    use store::registry::{self, DataLocation};

    use super::*;

    #[test]
    fn every_promise_has_a_text_in_every_language() {
        for language in [include_str!("../web/src/text/en.ts"), include_str!("../web/src/text/de.ts")] {
            for promise in &PROMISES {
                let id = format!("id: \"P{}\"", promise.number);
                assert_eq!(language.matches(&id).count(), 1, "{id}");
            }
        }
    }

    #[test]
    fn every_kind_of_data_has_a_text_in_every_language() {
        for language in [include_str!("../web/src/text/en.ts"), include_str!("../web/src/text/de.ts")] {
            let start = language.find("\n    kinds: {\n      account:").unwrap();
            let texts = language[start..].split("\n    },").next().unwrap();
            // A text on a line of its own is indented further.
            let lines =
                texts.lines().filter_map(|line| line.strip_prefix("      ").filter(|rest| !rest.starts_with(' ')));
            let names = lines.filter_map(|line| line.split_once(':'));
            let described: BTreeSet<&str> = names.map(|(name, _)| name.trim_matches('"')).collect();
            assert_eq!(described, DATA_KINDS.iter().map(|kind| kind.name).collect());
        }
    }

    #[test]
    fn browser_storage_keys_are_declared() {
        let declared: BTreeSet<&str> = registry::kinds()
            .filter_map(|stored| match stored.location {
                DataLocation::Browser { key } => Some(key),
                _ => None,
            })
            .collect();
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src"));
        // A file that uses browser storage names each key in a constant: `const THEME_KEY = "theme";`.
        let with_storage =
            sources.iter().filter(|source| source.contains("localStorage") || source.contains("sessionStorage"));
        let named = with_storage.flat_map(|source| source.lines()).filter_map(|line| {
            let (name, value) = line.strip_prefix("const ")?.split_once(" = \"")?;
            name.ends_with("_KEY").then(|| value.trim_end_matches("\";"))
        });
        assert_eq!(named.collect::<BTreeSet<_>>(), declared);
    }

    /// Returns the contents of all files below this folder.
    fn sources(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![fs::read_to_string(path).unwrap()] })
            .collect()
    }

    #[test]
    fn every_page_of_the_client_is_routed() {
        let routes = include_str!("../web/src/routes.ts");
        let patterns = routes.split("pattern: \"/").skip(1).filter_map(|rest| rest.split(['"', '/']).next());
        let first: BTreeSet<&str> = patterns.filter(|part| !["", "s"].contains(part)).collect();
        assert_eq!(first, PAGES.into_iter().collect());
    }
}
