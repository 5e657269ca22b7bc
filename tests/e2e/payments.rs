//! Tests of checkouts, Stripe, PayPal, refunds, disputes and the fraud rules.

mod after_erasure;
mod card_numbers;
mod checkout;
mod fraud;
mod histories;
mod paypal;
mod paypal_queue;
mod paypal_webhook;
mod reconciliation;
mod refunds_and_disputes;
mod stripe;
mod unclaimed;

use libtest_mimic::Trial;

use crate::env::trial::TestEnvs;

/// Lists the tests of this area that share a stack.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [checkout::trials(envs), fraud::trials(envs), refunds_and_disputes::trials(envs)].into_iter().flatten().collect()
}

/// Lists the tests of this area that each need a stack to themselves.
pub fn exclusive_trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    [
        after_erasure::trials(envs),
        card_numbers::trials(envs),
        histories::trials(envs),
        paypal::trials(envs),
        paypal_queue::trials(envs),
        paypal_webhook::trials(envs),
        reconciliation::trials(envs),
        stripe::trials(envs),
        unclaimed::trials(envs),
    ]
    .into_iter()
    .flatten()
    .collect()
}
