//! Random histories of buying, with both providers, against the functions as they are deployed: whatever happens in
//! whatever order, credits must come to what a reference model makes of the money alone.
//!
//! A history is drawn from a seed. Messages are held back, let go in reverse, sent early, twice or never; they come while
//! the buyer looks, captures and the sweep asks. A message is lost only where something else brings what it said: no
//! provider is asked about its refunds and disputes. The stack is one that nobody else is using, as a fake payment service that holds
//! messages back holds everybody's.

mod reference;

use anyhow::{Context, Result, ensure};
use futures_util::future::{join_all, try_join_all};
use jiff::SignedDuration;
use serde_json::Value;

use self::reference::Sale;
use crate::{
    buying::{Checkout, deliver, fake_payments, lose, play},
    notifications::drained,
    stripe_messages::post_signed,
    tests,
    world::{Person, TestEnv, text},
};

tests![b1_b3_random_histories_come_to_what_the_money_says];

const SEEDS: std::ops::Range<u64> = 0..14;
const STEPS: usize = 30;
/// Fewer than what the rules against fraud look at.
const SALES: usize = 4;
const WELCOME: i64 = 40;

/// What can happen at each provider, as the routes of `fake-payments` name it, the more often the more it is needed for what comes
/// after. To capture is up to us.
const WITH_STRIPE: &str = "pay pay pay pay-delayed decline expire succeed-delayed succeed-delayed fail-delayed refund \
    refund-pending succeed-refund succeed-refund fail-refund fail-refund cancel-refund open-inquiry dispute escalate escalate \
    submit-evidence withdraw-funds withdraw-funds withdraw-funds reinstate-funds reinstate-funds win win lose lose close-inquiry \
    early-fraud-warning";
const WITH_PAYPAL: &str = "approve approve approve approve-pending approve-declined approve-instrument-declined capture \
    capture capture complete complete deny refund reverse reverse cancel-reversal cancel-reversal open-case adjust";

/// Messages that say what the provider also says when it is asked.
const REPLACEABLE: [&str; 7] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "Completed",
    "Pending",
    "Denied",
];

async fn b1_b3_random_histories_come_to_what_the_money_says(world: &'static TestEnv) -> Result<()> {
    for seed in SEEDS {
        let ada = world.person().await?;
        let mut history =
            History { ada: &ada, random: Random(seed), sales: Vec::new(), holding: false, told: Vec::new() };
        let went = history.goes().await;
        went.with_context(|| format!("history {seed}, account {}: {}", ada.account_id, history.told.join(", ")))?;
    }
    Ok(())
}

struct History<'a> {
    ada: &'a Person,
    random: Random,
    sales: Vec<(Checkout<'a>, Sale)>,
    holding: bool,
    /// What happened, for whoever must find out why it did not come right.
    told: Vec<String>,
}

impl History<'_> {
    async fn goes(&mut self) -> Result<()> {
        self.begin().await?;
        for _ in 0..STEPS {
            self.step().await?;
            for (view, sale) in self.views().await?.iter().zip(self.sales.iter().map(|(_, sale)| sale)) {
                ensure!(view["granted"] == 0 || sale.is_paid(), "granted without money: {view}");
            }
        }
        self.ends().await
    }

    async fn step(&mut self) -> Result<()> {
        match self.random.below(20) {
            0 | 1 if self.sales.len() < SALES => self.begin().await,
            0 | 1 => self.looks().await,
            2 | 3 if self.holding => self.is_let_go().await,
            2 | 3 => self.holds().await,
            4 => self.comes_again().await,
            5 | 6 => self.is_lost().await,
            7 => self.is_swept().await,
            8 => self.all_at_once().await,
            _ => self.happens().await,
        }
    }

    async fn begin(&mut self) -> Result<()> {
        let provider = *self.random.one_of(&["stripe", "paypal"]);
        let (package, price, credits) = *self.random.one_of(&[("starter", 500, 200), ("maker", 2_000, 1_000)]);
        self.told.push(format!("{provider} {package} begins"));
        self.sales.push((Checkout::begin(self.ada, provider, package).await?, Sale::new(price, credits)));
        Ok(())
    }

    /// Something that can happen to one of the checkouts does.
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
            return self.looks().await;
        }
        let (which, act, amount) = *self.random.one_of(&possible);
        self.told.push(format!("{act} {which} ({amount})"));
        let (checkout, sale) = &mut self.sales[which];
        sale.happens(act, amount);
        if act != "capture" {
            return checkout.act(act, &[("amount", &amount.to_string())]).await;
        }
        let answer = checkout.capture().await?;
        ensure!(answer.status == 200 || answer.status == 409, "{answer:?}");
        Ok(())
    }

    async fn looks(&mut self) -> Result<()> {
        let (checkout, _) = self.random.one_of(&self.sales);
        self.told.push("a look".to_owned());
        checkout.look().await.map(drop)
    }

    async fn holds(&mut self) -> Result<()> {
        self.told.push("messages are held".to_owned());
        self.holding = true;
        play(self.ada.world, "/control/deliveries/hold", &[]).await
    }

    async fn is_let_go(&mut self) -> Result<()> {
        let order = *self.random.one_of(&["created", "reversed"]);
        self.told.push(format!("messages go {order}"));
        self.holding = false;
        play(self.ada.world, "/control/deliveries/release", &[("order", order)]).await
    }

    async fn comes_again(&mut self) -> Result<()> {
        let messages = self.messages().await?;
        if messages.is_empty() {
            return self.happens().await;
        }
        let message = self.random.one_of(&messages);
        self.told.push(format!("{} comes", message["event_type"]));
        deliver(self.ada.world, message).await
    }

    async fn is_lost(&mut self) -> Result<()> {
        let mut messages = self.messages().await?;
        let is_replaceable = |message: &Value| REPLACEABLE.iter().any(|kind| message["event_type"] == *kind);
        messages.retain(|message| message["state"] == "held" && is_replaceable(message));
        if messages.is_empty() {
            return self.happens().await;
        }
        let message = self.random.one_of(&messages);
        self.told.push(format!("{} is lost", message["event_type"]));
        lose(self.ada.world, message).await
    }

    /// Before any checkout closes.
    async fn is_swept(&mut self) -> Result<()> {
        let minutes = *self.random.one_of(&[2, 7, 20, 50]);
        self.told.push(format!("a sweep after {minutes} minutes"));
        sweep(self.ada.world, SignedDuration::from_mins(minutes)).await
    }

    /// Everybody comes at the same time: Stripe with all that it ever said, twice; PayPal; the buyer, who looks, and
    /// captures twice what was approved; the sweep.
    async fn all_at_once(&mut self) -> Result<()> {
        self.told.push("everybody comes at once".to_owned());
        self.holding = false;
        let approved: Vec<bool> = self.sales.iter_mut().map(|(_, sale)| sale.happens("capture", 0)).collect();
        let captures = self.sales.iter().zip(approved).filter(|(_, approved)| *approved);
        let captures = captures.flat_map(|((checkout, _), _)| [checkout, checkout]);
        let messages = self.messages().await?;
        let events = messages.iter().filter(|message| message["provider"] == "stripe" && message["state"] != "dropped");
        let events = events.map(|event| text(event, "body")).collect::<Result<Vec<_>>>()?;
        let (world, checkouts) = (self.ada.world, self.sales.iter().map(|(checkout, _)| checkout));
        let (captured, said, looked, let_go, swept) = futures_util::join!(
            try_join_all(captures.map(Checkout::capture)),
            join_all(events.iter().chain(&events).map(|event| post_signed(world, event))),
            try_join_all(checkouts.map(Checkout::look)),
            play(world, "/control/deliveries/release", &[("order", "reversed")]),
            sweep(world, SignedDuration::from_mins(30)),
        );
        for answer in captured? {
            ensure!(answer.status == 200 || answer.status == 409, "{answer:?}");
        }
        for answer in said {
            answer?.is(204)?;
        }
        looked.and(let_go).and(swept)
    }

    /// Everything is said, and days go by. Then all must be as the money says, and no checkout is open.
    async fn ends(&mut self) -> Result<()> {
        if self.holding {
            self.is_let_go().await?;
        }
        for (checkout, sale) in &mut self.sales {
            if checkout.provider == "stripe" && sale.happens("expire", 0) {
                checkout.act("expire", &[]).await?;
            }
        }
        for days in [1, 2] {
            drained(self.ada.world).await?;
            sweep(self.ada.world, SignedDuration::from_hours(24 * days)).await?;
        }
        let mut left = WELCOME;
        for (view, (_, sale)) in self.views().await?.iter().zip(&self.sales) {
            let expected = (sale.granted(), sale.taken_back());
            ensure!(view["granted"] == expected.0 && view["clawed_back"] == expected.1, "not {expected:?}: {view}");
            ensure!(view["status"] != "created" && (view["status"] == "pending") == sale.is_pending(), "{view}");
            left += sale.granted() - sale.taken_back();
        }
        let credits = self.ada.credits().await?;
        ensure!(credits == (left, 0), "{credits:?} is not {left}");
        Ok(())
    }

    /// How the API lists the sales, in the order in which they began.
    async fn views(&self) -> Result<Vec<Value>> {
        let listed = self.ada.get("/v1/checkout").await?.is(200)?.json;
        let mut views = listed["items"].as_array().context("no payments are listed")?.clone();
        views.reverse();
        let ids = views.iter().map(|view| view["id"].as_str());
        ensure!(ids.eq(self.sales.iter().map(|(checkout, _)| Some(&*checkout.id))), "{listed}");
        Ok(views)
    }

    /// The messages about the sales, in the order in which they were made. None is under way.
    async fn messages(&self) -> Result<Vec<Value>> {
        let all = fake_payments(self.ada.world, "/control/deliveries").await?;
        let about =
            |message: &&Value| self.sales.iter().any(|(checkout, _)| message["object_id"] == checkout.hosted.as_str());
        Ok(all.as_array().context("no deliveries")?.iter().filter(about).cloned().collect())
    }
}

async fn sweep(world: &TestEnv, later: SignedDuration) -> Result<()> {
    let swept = world.sweep(runtime::clock::now() + later).await?;
    ensure!(swept["failed"] == 0, "{swept}");
    Ok(())
}

/// The same numbers for the same seed: [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
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
