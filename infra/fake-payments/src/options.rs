//! The settings of the fake services.

use std::path::PathBuf;

/// Sets up the fake services.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on the loopback interface. 0 takes any free port.
    pub port: u16,
    /// The file that keeps the state across restarts. Without it the state ends with the process.
    pub state_file: Option<PathBuf>,
    /// The secret that Stripe's events are signed with.
    pub stripe_webhook_secret: String,
    /// The id of the merchant account that PayPal's notifications and orders name.
    pub paypal_receiver_id: String,
    /// The email address of the merchant account.
    pub paypal_receiver_email: String,
    /// The id of PayPal's webhook.
    pub paypal_webhook_id: String,
    /// The event types that PayPal's webhook subscribes to at first; `*` stands for all.
    pub paypal_events: Vec<String>,
    /// Whether PayPal's notifications carry `test_ipn=1`, as those of the sandbox do.
    pub test_ipn: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            state_file: None,
            stripe_webhook_secret: "whsec_fake".to_owned(),
            paypal_receiver_id: "FAKEMERCHANT1".to_owned(),
            paypal_receiver_email: "seller@fake-payments.example".to_owned(),
            paypal_webhook_id: "8FAKEWEBHOOK00001".to_owned(),
            paypal_events: Vec::new(),
            test_ipn: true,
        }
    }
}
