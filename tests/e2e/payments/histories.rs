//! Random payment histories with both providers against the deployed functions: after any events in any order, the
//! credits must match a reference model of the money.
//!
//! A history is drawn from a seed. Messages are held back, released in reverse, sent early, twice or never; they
//! arrive while the buyer reads, captures and the sweep polls. A message is dropped only if polling or listing finds the same
//! fact. Each history has the stack to itself, as holding messages back affects
//! all payments.

mod reference_model;

use anyhow::{Context, Result, ensure};
use futures_util::future::{join_all, try_join_all};
use jiff::SignedDuration;
use serde_json::Value;

use self::reference_model::Sale;
use crate::env::{
    checkouts::{Checkout, deliver_message, drop_message, post_control, read_control},
    http::text,
    paypal::{drain_ipn_queue, with_paypal_events},
    stripe::{post_signed_event, sweep_lists},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![b1_b3_random_payment_histories_match_the_reference_model,];

const SEEDS: std::ops::Range<u64> = 0..14;

const STEPS: usize = 30;

/// Fewer than the fraud rules react to.
const SALES: usize = 4;

const WELCOME: i64 = 40;

/// The actions at each provider, as the routes of `fake-payments` name them, repeated where later actions need them.
/// `capture` is a request to our API.
const WITH_STRIPE: &str = "pay pay pay pay-delayed decline expire succeed-delayed succeed-delayed fail-delayed refund \
    refund-pending succeed-refund succeed-refund fail-refund fail-refund cancel-refund open-inquiry dispute escalate escalate \
    submit-evidence withdraw-funds withdraw-funds withdraw-funds reinstate-funds reinstate-funds win win lose lose close-inquiry \
    early-fraud-warning";

const WITH_PAYPAL: &str = "approve approve approve approve-pending approve-declined approve-instrument-declined capture \
    capture capture complete complete deny refund refund reverse reverse cancel-reversal cancel-reversal open-case \
    settle-chargeback restore-chargeback fail-refund";

/// Messages whose facts polling and listing find as well, and those of PayPal's webhook that IPN reports too.
const REPLACEABLE: [&str; 25] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
    "Completed",
    "Pending",
    "Denied",
    "Refunded",
    "CHECKOUT.ORDER.APPROVED",
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.PENDING",
    "PAYMENT.CAPTURE.DENIED",
    "PAYMENT.CAPTURE.REFUNDED",
    "PAYMENT.CAPTURE.REVERSED",
    "PAYMENT.REFUND.FAILED",
    "CUSTOMER.DISPUTE.CREATED",
];

async fn b1_b3_random_payment_histories_match_the_reference_model(env: &'static TestEnv) -> Result<()> {
    for seed in SEEDS {
        // In every other history PayPal has a webhook beside IPN.
        with_paypal_events(env, if seed % 2 == 0 { "*" } else { "" }, async || {
            let ada = env.user().await?;
            let mut history =
                History { ada: &ada, random: Random(seed), sales: Vec::new(), holding: false, steps: Vec::new() };
            let result = history.run().await;
            result.with_context(|| format!("history {seed}, account {}: {}", ada.account_id, history.steps.join(", ")))
        })
        .await?;
    }
    Ok(())
}

struct History<'a> {
    ada: &'a TestUser,
    random: Random,
    sales: Vec<(Checkout<'a>, Sale)>,
    holding: bool,
    /// The steps so far, for the message of a failure.
    steps: Vec<String>,
}

impl History<'_> {
    async fn run(&mut self) -> Result<()> {
        self.begin().await?;
        for _ in 0..STEPS {
            self.step().await?;
            for (view, sale) in self.views().await?.iter().zip(self.sales.iter().map(|(_, sale)| sale)) {
                ensure!(view["granted"] == 0 || sale.is_paid(), "granted without money: {view}");
            }
        }
        self.finish().await
    }

    async fn step(&mut self) -> Result<()> {
        match self.random.below(20) {
            0 | 1 if self.sales.len() < SALES => self.begin().await,
            0 | 1 => self.read_checkout().await,
            2 | 3 if self.holding => self.releases().await,
            2 | 3 => self.holds().await,
            4 => self.redelivers().await,
            5 | 6 => self.drops().await,
            7 => self.sweeps().await,
            8 => self.happens_at_once().await,
            _ => self.happens().await,
        }
    }

    async fn begin(&mut self) -> Result<()> {
        let provider = *self.random.one_of(&["stripe", "paypal"]);
        let (package, price, credits) = *self.random.one_of(&[("starter", 500, 200), ("maker", 2_000, 1_000)]);
        self.steps.push(format!("{provider} {package} begins"));
        self.sales.push((Checkout::start(self.ada, provider, package).await?, Sale::new(price, credits)));
        Ok(())
    }

    /// Performs a possible action on one of the checkouts.
    async fn happens(&mut self) -> Result<()> {
        let mut possible = Vec::new();
        for (which, (checkout, sale)) in self.sales.iter().enumerate() {
            let part = 1 + i64::try_from(self.random.below(usize::try_from(sale.rest().max(1))?))?;
            let amount = *self.random.one_of(&[part, sale.rest().max(1)]);
            let acts = if checkout.provider == "stripe" { WITH_STRIPE } else { WITH_PAYPAL };
            let acts = acts.split(' ').filter(|act| sale.clone().happens(act, amount));
            possible.extend(acts.map(|act| (which, act, amount)));
        }
        if possible.is_empty() {
            return self.read_checkout().await;
        }
        let (which, act, amount) = *self.random.one_of(&possible);
        self.steps.push(format!("{act} {which} ({amount})"));
        let (checkout, sale) = &mut self.sales[which];
        sale.happens(act, amount);
        if act != "capture" {
            return checkout.act(act, &[("amount", &amount.to_string())]).await;
        }
        let response = checkout.capture().await?;
        ensure!(response.status == 200 || response.status == 409, "{response:?}");
        Ok(())
    }

    async fn read_checkout(&mut self) -> Result<()> {
        let (checkout, _) = self.random.one_of(&self.sales);
        self.steps.push("the buyer reads a checkout".to_owned());
        checkout.poll().await.map(drop)
    }

    async fn holds(&mut self) -> Result<()> {
        self.steps.push("messages are held".to_owned());
        self.holding = true;
        post_control(self.ada.env, "/control/deliveries/hold", &[]).await
    }

    async fn releases(&mut self) -> Result<()> {
        let order = *self.random.one_of(&["created", "reversed"]);
        self.steps.push(format!("messages are released {order}"));
        self.holding = false;
        post_control(self.ada.env, "/control/deliveries/release", &[("order", order)]).await
    }

    async fn redelivers(&mut self) -> Result<()> {
        let messages = self.messages().await?;
        if messages.is_empty() {
            return self.happens().await;
        }
        let message = self.random.one_of(&messages);
        self.steps.push(format!("{} is delivered", message["event_type"]));
        deliver_message(self.ada.env, message).await
    }

    async fn drops(&mut self) -> Result<()> {
        let mut messages = self.messages().await?;
        let is_replaceable = |message: &Value| REPLACEABLE.iter().any(|kind| message["event_type"] == *kind);
        messages.retain(|message| message["state"] == "held" && is_replaceable(message));
        if messages.is_empty() {
            return self.happens().await;
        }
        let message = self.random.one_of(&messages);
        self.steps.push(format!("{} is dropped", message["event_type"]));
        drop_message(self.ada.env, message).await
    }

    /// Sweeps before any checkout expires.
    async fn sweeps(&mut self) -> Result<()> {
        let minutes = *self.random.one_of(&[2, 7, 20, 50]);
        self.steps.push(format!("a sweep after {minutes} minutes"));
        sweep(self.ada.env, SignedDuration::from_mins(minutes)).await?;
        self.captured_by_sweep().await
    }

    /// A sweep captures the approved orders that are due.
    async fn captured_by_sweep(&mut self) -> Result<()> {
        let payments = read_control(self.ada.env, "/control/payments").await?;
        let payments = payments.as_array().context("no payments")?;
        for (checkout, sale) in self.sales.iter_mut().filter(|(_, sale)| sale.is_approved()) {
            let order =
                payments.iter().find(|payment| payment["id"] == checkout.hosted.as_str()).context("no order")?;
            if order["state"] != "approved" {
                sale.happens("capture", 0);
            }
        }
        Ok(())
    }

    /// Runs at the same time: every Stripe event so far, twice; the PayPal messages; the buyer, who reads, and
    /// captures twice what was approved; the sweep.
    async fn happens_at_once(&mut self) -> Result<()> {
        self.steps.push("everything at once".to_owned());
        self.holding = false;
        let approved: Vec<bool> = self.sales.iter_mut().map(|(_, sale)| sale.happens("capture", 0)).collect();
        let captures = self.sales.iter().zip(approved).filter(|(_, approved)| *approved);
        let captures = captures.flat_map(|((checkout, _), _)| [checkout, checkout]);
        let messages = self.messages().await?;
        let events = messages.iter().filter(|message| message["provider"] == "stripe" && message["state"] != "dropped");
        let events = events.map(|event| text(event, "body")).collect::<Result<Vec<_>>>()?;
        let (env, checkouts) = (self.ada.env, self.sales.iter().map(|(checkout, _)| checkout));
        let (captured, said, looked, released, swept) = futures_util::join!(
            try_join_all(captures.map(Checkout::capture)),
            join_all(events.iter().chain(&events).map(|event| post_signed_event(env, event))),
            try_join_all(checkouts.map(Checkout::poll)),
            post_control(env, "/control/deliveries/release", &[("order", "reversed")]),
            sweep(env, SignedDuration::from_mins(30)),
        );
        for response in captured? {
            ensure!(response.status == 200 || response.status == 409, "{response:?}");
        }
        for response in said {
            response?.is(204)?;
        }
        looked.and(released).and(swept)
    }

    /// Delivers everything and moves time forward by days. Then checks the credits, and that no checkout is open.
    async fn finish(&mut self) -> Result<()> {
        if self.holding {
            self.releases().await?;
        }
        for (checkout, sale) in &mut self.sales {
            if checkout.provider == "stripe" && sale.happens("expire", 0) {
                checkout.act("expire", &[]).await?;
            }
        }
        for days in [1, 2] {
            drain_ipn_queue(self.ada.env).await?;
            sweep(self.ada.env, SignedDuration::from_hours(24 * days)).await?;
            self.captured_by_sweep().await?;
        }
        sweep_lists(self.ada.env).await?;
        let mut left = WELCOME;
        for (view, (_, sale)) in self.views().await?.iter().zip(&self.sales) {
            let expected = (sale.granted(), sale.clawed_back());
            ensure!(view["granted"] == expected.0 && view["clawed_back"] == expected.1, "not {expected:?}: {view}");
            ensure!(view["status"] != "created" && (view["status"] == "pending") == sale.is_pending(), "{view}");
            left += sale.granted() - sale.clawed_back();
        }
        let credits = self.ada.credits().await?;
        ensure!(credits == (left, 0), "{credits:?} is not {left}");
        Ok(())
    }

    /// Returns the sales as the API lists them, in the order in which they started.
    async fn views(&self) -> Result<Vec<Value>> {
        let listed = self.ada.get("/v1/checkout").await?.is(200)?.json;
        let mut views = listed["items"].as_array().context("no payments are listed")?.clone();
        views.reverse();
        let ids = views.iter().map(|view| view["id"].as_str());
        ensure!(ids.eq(self.sales.iter().map(|(checkout, _)| Some(&*checkout.id))), "{listed}");
        Ok(views)
    }

    /// Returns the messages about the sales, in the order in which they were created.
    async fn messages(&self) -> Result<Vec<Value>> {
        let all = read_control(self.ada.env, "/control/deliveries").await?;
        let about =
            |message: &&Value| self.sales.iter().any(|(checkout, _)| message["object_id"] == checkout.hosted.as_str());
        Ok(all.as_array().context("no deliveries")?.iter().filter(about).cloned().collect())
    }
}

async fn sweep(env: &TestEnv, later: SignedDuration) -> Result<()> {
    let swept = env.sweep(runtime::clock::now() + later).await?;
    ensure!(swept["failed"] == 0, "{swept}");
    Ok(())
}

/// Returns the same numbers for the same seed: [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default() % limit
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
