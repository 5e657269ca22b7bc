//! Runs the stack until Ctrl-C, with a demo account.

use std::time::Duration;

use anyhow::{Context, Result};
use stack::{
    Claim, Options, Progress, Stack,
    payments::{PaymentKeys, Payments},
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{Account, Client, Model, NO_MODEL};
use crate::terminal::{Steps, print, report};

const EMAIL: &str = "demo@example.com";
const PASSWORD: &str = "a-darkroom-for-everyone";
/// The sender of mails. They are not sent, and can be read.
const MAIL_FROM: &str = "darkroom@example.com";
/// The identity of SES that the sender belongs to: its domain.
const MAIL_IDENTITY: &str = "example.com";

pub(crate) fn run(runtime: &Runtime, options: Options, keys: PaymentKeys) -> Result<()> {
    let mut steps = Steps::default();
    let (mut stack, payments) = bring_up(options, keys, &mut steps)?;
    steps.step("Creating the demo account");
    let (account, model) = runtime.block_on(prepare(stack.base_url()))?;
    steps.finish();
    introduce(&stack, payments.base_url(), &account, &model);
    let ended = runtime.block_on(until_told_to_end(&mut stack));
    if ended.is_ok() {
        report("Stopping the stack and saving its data");
    }
    let stopped = stack.stop();
    ended.and(stopped)
}

/// Starts the stack with its payment services.
pub(crate) fn bring_up(mut options: Options, keys: PaymentKeys, steps: &mut Steps) -> Result<(Stack, Payments)> {
    // First: a start that is refused changes nothing of the stack that runs.
    let claim = Claim::new(&options)?;
    let state = options.state.join("payments.json");
    for (name, value) in [("MailFrom", MAIL_FROM), ("MailIdentity", MAIL_IDENTITY)] {
        options.parameters.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    let port = options.port.checked_add(1).context("--port must be less than 65535")?;
    let payments = Payments::start(port, Some(state), keys, &["*"], &mut options).with_context(|| {
        format!("the fake payment services need port {port}, the one after --port: choose another --port")
    })?;
    let stack = Stack::start_with(claim, &options, steps)?;
    payments.deliver_to(&stack);
    Ok((stack, payments))
}

/// Signs in to the demo account, and creates it unless it exists.
async fn prepare(base_url: &str) -> Result<(Account, Model)> {
    let mut client = Client::new(base_url)?;
    if client.sign_in(EMAIL, PASSWORD).await.is_err() {
        client.sign_up(EMAIL, PASSWORD).await.context("the demo account cannot be created")?;
    }
    Ok((client.account().await?, client.model("image").await?.context(NO_MODEL)?))
}

fn introduce(stack: &Stack, fake_payments: &str, account: &Account, model: &Model) {
    let (base_url, mails) = (stack.base_url(), format!("{}/_ministack/ses/messages", stack.endpoint()));
    let Model { id: model, title, .. } = model;
    let credits = account.credits.available;
    print(&format!(
        r#"
Darkroom is at {base_url}: open it in a browser, and sign up (every mailed code is 654321) or sign in as

  account    {EMAIL}
  password   {PASSWORD}
  credits    {credits}

No mail is sent. Mails, with their codes, are at {mails}

With curl: sign in, generate an image with {title}, and read it (repeat the last command until its status is "succeeded"):

  TOKEN=$(curl -s {base_url}/v1/session/sign-in -H 'content-type: application/json' \
    -d '{{"email":"{EMAIL}","password":"{PASSWORD}"}}' \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

  ID=$(curl -s {base_url}/v1/generations -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -H "idempotency-key: $(date +%s)" -d '{{"model":"{model}","prompt":"A lighthouse in the fog at dawn"}}' \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')

  curl -s {base_url}/v1/generations/$ID -H "authorization: Bearer $TOKEN" | python3 -m json.tool

Buy credits on the pages of a fake Stripe and PayPal (open the "url", pay, then list your checkouts):

  curl -s {base_url}/v1/checkout -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"package":"starter","currency":"EUR","provider":"stripe"}}' | python3 -m json.tool

  curl -s {base_url}/v1/checkout -H "authorization: Bearer $TOKEN" | python3 -m json.tool

Refund and dispute payments, delay, repeat and reorder their messages: {fake_payments}

OpenAPI: {base_url}/v1/openapi.json. Ctrl-C stops everything and keeps the data.
"#
    ));
}

/// How often the stack is checked.
const CHECK: Duration = Duration::from_secs(2);

/// Returns when the process is told to end, or with an error when the stack cannot go on.
async fn until_told_to_end(stack: &mut Stack) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = hang_up.recv() => return Ok(()),
            () = tokio::time::sleep(CHECK) => stack.check()?,
        }
    }
}
