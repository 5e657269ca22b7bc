//! Runs the stack until Ctrl-C, or generates an image and a video with it. `cargo run -p local` builds and starts this.

mod client;
mod demo;
mod document;
mod serve;
mod terminal;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use stack::{Functions, Options, payments::PaymentKeys, workspace};

use crate::document::DocumentName;

/// Runs the whole of Darkroom on this machine.
#[derive(Parser)]
#[command(name = "local", override_help = include_str!("../../local/src/help.txt"))]
struct Arguments {
    /// The port of the API. The fake Stripe and PayPal listens on the next one.
    #[arg(long, global = true, default_value_t = 3000)]
    port: u16,
    /// Deletes the data of earlier runs first.
    #[arg(long, global = true)]
    fresh: bool,
    /// The folder with the binaries of the functions; cargo builds them if it is not given.
    #[arg(long, global = true)]
    functions: Option<PathBuf>,
    /// The origin of a dev server for the web client.
    #[arg(long)]
    web: Option<String>,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Publishes the document in a file, or prints its latest version. `STAFF_EMAIL`, `STAFF_PASSWORD` and `STAFF_CODE` are of a
    /// staff member.
    Document {
        /// Which document.
        name: DocumentName,
        /// The file with the document.
        file: Option<PathBuf>,
        /// Why it is published.
        #[arg(long)]
        reason: Option<String>,
        /// Why prices of the catalogue are below the cost plus the margin.
        #[arg(long)]
        low_prices_reason: Option<String>,
        /// The address of the service [default: the stack on this machine].
        #[arg(long)]
        at: Option<String>,
    },
    /// Signs up, generates an image and a video, and saves them under `demo/`.
    Demo {
        /// Prompt of the image.
        #[arg(long, default_value = "A lighthouse in the fog at dawn, gulls over the pier")]
        image: String,
        /// Prompt of the video.
        #[arg(long, default_value = "Paper boats drifting down a street after the rain")]
        video: String,
        /// The address of a deployed service. `DEMO_EMAIL` and `DEMO_PASSWORD` are of an account of it, which is deleted
        /// at the end.
        #[arg(long)]
        at: Option<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::report(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok().context("TLS is set up already")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let options = Options {
        port: arguments.port,
        fresh: arguments.fresh,
        functions: arguments.functions.clone().map_or(Functions::BuiltByCargo, Functions::In),
        provider_keys: provider_keys(),
        web: arguments.web.clone(),
        ..Options::new(workspace().join(".local/state"))
    };
    match &arguments.command {
        None => serve::run(&runtime, options, payment_keys()),
        Some(Task::Document { name, file, reason, low_prices_reason, at }) => {
            let staff = ["STAFF_EMAIL", "STAFF_PASSWORD", "STAFF_CODE"].map(|name| setting(name).unwrap_or_default());
            let address = at.clone().unwrap_or_else(|| format!("http://localhost:{}", arguments.port));
            let reasons = (reason.as_deref(), low_prices_reason.as_deref());
            document::run(&runtime, &address, staff, (*name, file.as_deref()), reasons)
        }
        Some(Task::Demo { image, video, at: Some(address) }) => {
            let account = [setting("DEMO_EMAIL"), setting("DEMO_PASSWORD")].map(Option::unwrap_or_default);
            demo::run_at(&runtime, address, account, (image, video))
        }
        Some(Task::Demo { image, video, at: None }) => demo::run(&runtime, options, payment_keys(), (image, video)),
    }
}

/// Returns the keys in this environment by the name of their provider.
fn provider_keys() -> BTreeMap<String, String> {
    [
        ("openai", "OPENAI_API_KEY"),
        ("stability", "STABILITY_API_KEY"),
        ("replicate", "REPLICATE_API_TOKEN"),
        ("fal", "FAL_KEY"),
    ]
    .into_iter()
    .filter_map(|(provider, variable)| Some((provider.to_owned(), setting(variable)?)))
    .collect()
}

/// Returns the keys of payment providers in this environment: all of a provider's, or none of it.
fn payment_keys() -> PaymentKeys {
    let stripe = || Some([setting("STRIPE_SECRET_KEY")?, setting("STRIPE_WEBHOOK_SECRET")?]);
    let paypal =
        || Some([setting("PAYPAL_CLIENT_ID")?, setting("PAYPAL_CLIENT_SECRET")?, setting("PAYPAL_RECEIVER_ID")?]);
    PaymentKeys { stripe: stripe(), paypal: paypal() }
}

fn setting(variable: &str) -> Option<String> {
    std::env::var_os(variable)?.into_string().ok().filter(|value| !value.is_empty())
}
