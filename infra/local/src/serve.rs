//! The stack until Ctrl-C, with an account to try it with.

use anyhow::{Context, Result};
use local::{
    Options, Progress, Stack,
    payments::{PaymentKeys, Payments},
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{Account, Client, Model};
use crate::terminal::{Steps, complain, say};

const EMAIL: &str = "demo@example.com";
const PASSWORD: &str = "a-darkroom-for-everyone";
/// Where mail to people comes from. It goes nowhere, and can be read.
const MAIL_FROM: &str = "darkroom@example.com";
/// The identity of SES that it belongs to: its domain.
const MAIL_IDENTITY: &str = "example.com";

pub(crate) fn run(runtime: &Runtime, options: Options, keys: PaymentKeys) -> Result<()> {
    let mut steps = Steps::default();
    let (stack, payments) = bring_up(options, keys, &mut steps)?;
    steps.step("Building the demo account");
    let (account, model) = runtime.block_on(prepare(stack.base_url()))?;
    steps.finish();
    introduce(&stack, payments.base_url(), &account, &model);
    runtime.block_on(until_told_to_end())?;
    complain("Ending; what was made is kept");
    stack.stop()
}

/// The stack, and what takes its money.
pub(crate) fn bring_up(mut options: Options, keys: PaymentKeys, steps: &mut Steps) -> Result<(Stack, Payments)> {
    let state = options.state.join("payments.json");
    if options.fresh && state.exists() {
        std::fs::remove_file(&state).with_context(|| format!("{} cannot be removed", state.display()))?;
    }
    for (name, value) in [("MailFrom", MAIL_FROM), ("MailIdentity", MAIL_IDENTITY)] {
        options.parameters.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    let port = options.port.checked_add(1).context("--port must be less than 65535")?;
    let payments = Payments::start(port, Some(state), keys, &mut options)?;
    let stack = Stack::start(&options, steps)?;
    payments.deliver_to(&stack);
    Ok((stack, payments))
}

/// The demo account, made unless it is there already.
async fn prepare(base_url: &str) -> Result<(Account, Model)> {
    let mut client = Client::new(base_url)?;
    if client.sign_in(EMAIL, PASSWORD).await.is_err() {
        client.join(EMAIL, PASSWORD).await.context("the demo account cannot be made")?;
    }
    Ok((client.account().await?, client.model("image").await?))
}

fn introduce(stack: &Stack, fake_payments: &str, account: &Account, model: &Model) {
    let (base_url, mails) = (stack.base_url(), format!("{}/_ministack/ses/messages", stack.endpoint()));
    let Model { id: model, title, .. } = model;
    let credits = account.credits.available;
    say(&format!(
        r#"
Darkroom is at {base_url}: open it in a browser, and sign up (every address is confirmed with 123456) or sign in as

  account    {EMAIL}
  password   {PASSWORD}
  credits    {credits}

Mail goes nowhere; what would have been sent, codes included, is at {mails}

Or do it by hand. Sign in, make a picture with {title}, and look at it (the last again until its status is "succeeded"):

  TOKEN=$(curl -s {base_url}/v1/session/sign-in -H 'content-type: application/json' \
    -d '{{"email":"{EMAIL}","password":"{PASSWORD}"}}' \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

  ID=$(curl -s {base_url}/v1/generations -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -H "idempotency-key: $(date +%s)" -d '{{"model":"{model}","prompt":"A lighthouse in the fog at dawn"}}' \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')

  curl -s {base_url}/v1/generations/$ID -H "authorization: Bearer $TOKEN" | python3 -m json.tool

Buy credits, on pages that stand in for Stripe and PayPal and move no money (open the "url", pay, then look):

  curl -s {base_url}/v1/checkout -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"package":"starter","currency":"EUR","provider":"stripe"}}' | python3 -m json.tool

  curl -s {base_url}/v1/checkout -H "authorization: Bearer $TOKEN" | python3 -m json.tool

Refund, dispute, delay, repeat and reorder what was paid: {fake_payments}

What there is to call: {base_url}/v1/openapi.json. Ctrl-C ends everything.
"#
    ));
}

async fn until_told_to_end() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
