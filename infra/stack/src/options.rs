//! The settings of a stack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::functions::Functions;

/// Holds the settings of a stack.
pub struct Options {
    /// The port of the API on the loopback interface; 0 takes a free one.
    pub port: u16,
    /// The folder for the data of the stack. One stack at a time can use it.
    pub state: PathBuf,
    /// Deletes the data in the folder at the start.
    pub fresh: bool,
    /// Whether the data is written every ten seconds and not only at the end. It takes a second of a processor with the data of
    /// a test run.
    pub saves_regularly: bool,
    /// Where the functions' binaries come from.
    pub functions: Functions,
    /// The settings of the service that count until others are published.
    pub settings: serde_json::Value,
    /// Values for the template's parameters, by name. `Stage` is `dev` unless it is given here.
    pub parameters: BTreeMap<String, String>,
    /// Environment variables of every function, in addition to those of the template.
    pub function_environment: BTreeMap<String, String>,
    /// Keys of AI providers by the provider's name, for the template's secret. Those providers are enabled, before
    /// `sketch`, unless the parameter `Providers` is given.
    pub provider_keys: BTreeMap<String, String>,
    /// The content of the template's secret with the keys of the payment providers.
    pub payment_keys: serde_json::Value,
    /// The origin of a dev server for the web client, which then serves everything outside `/v1/`.
    pub web: Option<String>,
    /// The file to which each AWS call of a function is appended as a line of JSON: `role`, `action`, `resource`,
    /// `allowed`.
    pub calls: Option<PathBuf>,
    /// The file to which the shape of each written item and message is appended; `None` records nothing.
    pub shapes: Option<PathBuf>,
}

impl Options {
    /// Returns settings for this folder: a free port, functions built by cargo, no keys, no recording.
    #[must_use]
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            port: 0,
            state: state.into(),
            fresh: false,
            saves_regularly: true,
            functions: Functions::BuiltByCargo,
            settings: local_settings(),
            parameters: BTreeMap::new(),
            function_environment: BTreeMap::new(),
            provider_keys: BTreeMap::new(),
            payment_keys: serde_json::json!({}),
            web: None,
            calls: None,
            shapes: None,
        }
    }
}

/// Returns the compiled default of the settings, with all models for new accounts: the keys of the providers belong to the person who
/// runs the stack.
fn local_settings() -> serde_json::Value {
    let default = include_str!("../../../shared/domain/service-settings/default.json");
    let mut settings: serde_json::Value = serde_json::from_str(default).unwrap_or_default();
    if let Some(models) = settings.pointer_mut("/welcome/models") {
        *models = "all".into();
    }
    settings
}
