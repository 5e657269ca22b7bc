//! The stack on one machine: `cargo run -p local` brings it up, `cargo run -p local -- demo` does the main job with it.

mod client;
mod demo;
mod serve;
mod terminal;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use local::{Options, payments::PaymentKeys, workspace};

/// Runs the whole of Darkroom on this machine.
#[derive(Parser)]
#[command(name = "local")]
struct Arguments {
    /// The port of the API. The fake Stripe and PayPal listens on the next one.
    #[arg(long, global = true, default_value_t = 3000)]
    port: u16,
    /// Start with nothing: forget accounts, generations and files.
    #[arg(long, global = true)]
    fresh: bool,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Sign up, make a picture and a film, and save them under `demo/`.
    Demo {
        /// What to paint.
        #[arg(long, default_value = "A lighthouse in the fog at dawn, gulls over the pier")]
        image: String,
        /// What to film.
        #[arg(long, default_value = "Paper boats drifting down a street after the rain")]
        video: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&format!("error: {error:#}"));
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
        provider_keys: provider_keys(),
        ..Options::new(workspace().join(".local/state"))
    };
    match &arguments.command {
        None => serve::run(&runtime, options, payment_keys()),
        Some(Task::Demo { image, video }) => demo::run(&runtime, options, payment_keys(), (image, video)),
    }
}

/// The keys in this environment, under the names of their providers.
fn provider_keys() -> BTreeMap<String, String> {
    [
        ("openai", "OPENAI_API_KEY"),
        ("stability", "STABILITY_API_KEY"),
        ("replicate", "REPLICATE_API_TOKEN"),
        ("fal", "FAL_KEY"),
    ]
    .into_iter()
    .filter_map(|(provider, variable)| {
        let key = std::env::var_os(variable)?.into_string().ok().filter(|key| !key.is_empty())?;
        Some((provider.to_owned(), key))
    })
    .collect()
}

/// The keys of payment providers in this environment. All of a provider's, or none of it.
fn payment_keys() -> PaymentKeys {
    let key = |variable: &str| std::env::var_os(variable)?.into_string().ok().filter(|key| !key.is_empty());
    let stripe = || Some([key("STRIPE_SECRET_KEY")?, key("STRIPE_WEBHOOK_SECRET")?]);
    let paypal = || Some([key("PAYPAL_CLIENT_ID")?, key("PAYPAL_CLIENT_SECRET")?, key("PAYPAL_RECEIVER_ID")?]);
    PaymentKeys { stripe: stripe(), paypal: paypal() }
}
