//! Checks the provenance of a file for everyone: its signed manifest, the watermark in its pixels, and the mark in its metadata.
//!
//! The file is read in memory and forgotten. A request reads the certificates of the deployment, which is counted by network first,
//! and writes nothing else, so a repeat gives the same response.

use std::sync::Arc;

use api::{
    Mutations, Routes,
    provenance::check::{
        ActionView, CHECK, IngredientView, ManifestView, ProvenanceView, Technique, TechniqueView, Verdict,
    },
    store_problem,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
};
use media::{
    MediaType,
    watermark::{WATERMARK_KEY, WatermarkKey},
};
use provenance::{Credentials, CredentialsCheck};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Problem, RequestContext},
};

const HOUR_S: i64 = 3_600;
/// The files that a network may have checked in an hour, and wider ones four times as many each: a file without a watermark takes
/// a second or more to search.
const CHECKS_PER_NETWORK: u64 = 120;
/// The largest file, in bytes. Lambda takes 6 MB, of which base64 leaves three quarters.
const FILE_LIMIT: usize = 4 << 20;

/// Builds the router.
///
/// # Errors
/// A variable is missing or not valid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    Ok(routes().into_router().layer(DefaultBodyLimit::max(FILE_LIMIT)).with_state(mutations))
}

fn routes() -> Routes<Mutations> {
    Routes::new().operation(&CHECK, check)
}

async fn check(
    State(mutations): State<Mutations>,
    client: RequestContext,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ProvenanceView>, Problem> {
    let file = body.map_err(|_| Problem::body_too_large())?;
    let media_type = media::sniff(&file).map_err(|error| Problem::invalid("body", error.to_string()))?;
    let limit = (HOUR_S, CHECKS_PER_NETWORK);
    mutations.limit_networks("provenance-check", &client.networks(), limit, clock::now()).await?;
    let certificates = mutations.table.signing_certificates().await.map_err(store_problem)?;
    let anchors: String = certificates.iter().map(|certificate| certificate.chain.as_str()).collect();
    let key = WatermarkKey::new(mutations.sealer().await?.mac(WATERMARK_KEY, &[]));
    let checked = tokio::task::spawn_blocking(move || techniques(&file, media_type, &anchors, &key)).await;
    let techniques = checked.map_err(Problem::internal)?;
    Ok(Json(ProvenanceView { media_type: media_type.mime().to_owned(), techniques }))
}

fn techniques(file: &[u8], media_type: MediaType, anchors: &str, key: &WatermarkKey) -> Vec<TechniqueView> {
    // WebM has no place for a manifest.
    let credentials = match media_type {
        MediaType::Webm => CredentialsCheck::Missing,
        other => provenance::check(file, other.mime(), anchors),
    };
    vec![manifest(credentials), watermark(file, key), metadata(media::stated_source(file))]
}

fn manifest(check: CredentialsCheck) -> TechniqueView {
    let (verdict, explanation, manifest) = match check {
        CredentialsCheck::Missing => (
            Verdict::NotFound,
            "The file has no Content Credentials. That proves nothing: anyone can remove them, and most programs write none.",
            None,
        ),
        CredentialsCheck::Unreadable => {
            (Verdict::NotValid, "The file has Content Credentials that are damaged. They prove nothing.", None)
        }
        CredentialsCheck::Found(found) if found.trusted => (
            Verdict::SignedHere,
            "This service signed the file, and it has not changed since: it was made as stated here. The signature does not tell who \
             asked for it.",
            Some(*found),
        ),
        CredentialsCheck::Found(found) if found.valid => (
            Verdict::SignedByAnother,
            "The file has not changed since it was signed. The signer is not this service, and whether their statement is true is not \
             checked here.",
            Some(*found),
        ),
        CredentialsCheck::Found(found) => (
            Verdict::NotValid,
            "The file has Content Credentials that do not fit it: it was changed after it was signed, or they were forged. They prove \
             nothing.",
            Some(*found),
        ),
    };
    let manifest = manifest.map(view);
    TechniqueView {
        technique: Technique::C2pa,
        verdict,
        explanation: explanation.to_owned(),
        manifest,
        source_type: None,
    }
}

fn view(credentials: Credentials) -> ManifestView {
    let Credentials { signer, claim_generator, actions, ingredients, problems, .. } = credentials;
    ManifestView {
        signer,
        claim_generator,
        actions: actions
            .into_iter()
            .map(|action| ActionView { action: action.action, source_type: action.source_type })
            .collect(),
        ingredients: ingredients
            .into_iter()
            .map(|one| IngredientView {
                relationship: one.relationship,
                signer: one.signer,
                claim_generator: one.claim_generator,
            })
            .collect(),
        problems,
    }
}

/// Looks for the watermark of this deployment. What cannot be decoded has none that can be found.
fn watermark(file: &[u8], key: &WatermarkKey) -> TechniqueView {
    let found = media::watermark::detect_file(file, key).unwrap_or_else(|error| {
        tracing::info!(error = %error, "no watermark can be looked for");
        None
    });
    let (verdict, explanation) = match found {
        Some(_) => (
            Verdict::MarkedHere,
            "The pixels have the watermark of this service: it made the image or video, which may have been changed since.",
        ),
        None => (
            Verdict::NotFound,
            "The pixels have no watermark of this service that can be found. That proves nothing: strong changes destroy it, and other \
             services have others.",
        ),
    };
    let explanation = explanation.to_owned();
    TechniqueView { technique: Technique::Watermark, verdict, explanation, manifest: None, source_type: None }
}

fn metadata(source: Option<&str>) -> TechniqueView {
    let (verdict, explanation) = match source {
        Some(_) => (
            Verdict::Found,
            "The metadata states the source of the file. It has no signature: anyone can write, change or remove it.",
        ),
        None => (
            Verdict::NotFound,
            "The metadata does not state the source of the file. That proves nothing: many programs remove metadata.",
        ),
    };
    let source_type = source.map(str::to_owned);
    let explanation = explanation.to_owned();
    TechniqueView { technique: Technique::Metadata, verdict, explanation, manifest: None, source_type }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("provenance-check"));
    }
}
