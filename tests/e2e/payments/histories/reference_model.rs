//! The reference model of a payment: what was paid, what was returned, and the credits for the rest.
//!
//! It models actions at a provider, without messages, their order, or the ledger.

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Pending,
    Paid,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refund {
    Slow,
    Made,
    Undone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dispute {
    Inquiry,
    Open,
    Withdrawn,
    /// The money was returned before the dispute ended.
    Returned,
    /// The dispute is won, and the money is not yet returned.
    WonOnPaper,
    Won,
    Lost,
    Dropped,
}

/// A payment: a price in the smallest unit of its currency, and the credits that it buys.
#[derive(Clone)]
pub struct Sale {
    price: i64,
    credits: i64,
    stage: Stage,
    /// The result of a capture, once the buyer approved.
    approved: Option<Stage>,
    refunds: Vec<(i64, Refund)>,
    disputes: Vec<(i64, Dispute)>,
    /// The amount, and whether the reversal stands.
    reversals: Vec<(i64, bool)>,
}

impl Sale {
    pub fn new(price: i64, credits: i64) -> Self {
        let (refunds, disputes, reversals) = (Vec::new(), Vec::new(), Vec::new());
        Self { price, credits, stage: Stage::Open, approved: None, refunds, disputes, reversals }
    }

    /// Returns whether the money arrived.
    pub fn is_paid(&self) -> bool {
        self.stage == Stage::Paid
    }

    /// Returns whether the buyer approved, and the capture is missing.
    pub fn is_approved(&self) -> bool {
        self.approved.is_some()
    }

    /// Returns whether the payment is pending.
    pub fn is_pending(&self) -> bool {
        self.stage == Stage::Pending
    }

    /// Returns the credits that it must have granted.
    pub fn granted(&self) -> i64 {
        if self.is_paid() { self.credits } else { 0 }
    }

    /// Returns the credits that must have been clawed back: the share of the price that was returned, rounded down.
    pub fn clawed_back(&self) -> i64 {
        let out = |(amount, state): &(i64, Dispute)| match state {
            Dispute::Withdrawn | Dispute::Lost => *amount,
            _ => 0,
        };
        let gone = self.returned() + self.disputes.iter().map(out).sum::<i64>();
        self.granted() * gone.min(self.price) / self.price
    }

    /// Returns the amount that can still be refunded or reversed.
    pub fn rest(&self) -> i64 {
        self.price - self.returned()
    }

    /// Applies an action to the newest refund, dispute or reversal. Returns whether it is possible; otherwise changes
    /// nothing.
    pub fn happens(&mut self, act: &str, amount: i64) -> bool {
        use Stage::{Never, Open, Paid, Pending};
        match (act, self.stage, self.approved) {
            ("pay", Open, _) | ("succeed-delayed" | "complete", Pending, _) => self.stage = Paid,
            ("pay-delayed", Open, _) => self.stage = Pending,
            ("expire", Open, _) | ("fail-delayed" | "deny", Pending, _) => self.stage = Never,
            ("approve", Open, None) => self.approved = Some(Paid),
            ("approve-pending", Open, None) => self.approved = Some(Pending),
            ("approve-declined", Open, None) => self.approved = Some(Never),
            ("approve-instrument-declined", Open, None) => self.approved = Some(Open),
            ("capture", Open, Some(found)) => (self.stage, self.approved) = (found, None),
            ("decline", Open, _) | ("early-fraud-warning" | "open-case", Paid, _) => {}
            (_, Paid, _) => return self.refund_or_reverse(act, amount) || self.is_disputed(act, amount),
            _ => return false,
        }
        true
    }

    fn returned(&self) -> i64 {
        let refunded = self.refunds.iter().filter(|(_, state)| *state != Refund::Undone).map(|(amount, _)| amount);
        let reversed = self.reversals.iter().filter(|(_, stands)| *stands).map(|(amount, _)| amount);
        refunded.chain(reversed).sum()
    }

    fn refund_or_reverse(&mut self, act: &str, amount: i64) -> bool {
        let enough = (1..=self.rest()).contains(&amount);
        match (act, self.refunds.last_mut()) {
            ("refund", _) if enough => self.refunds.push((amount, Refund::Made)),
            ("refund-pending", _) if enough => self.refunds.push((amount, Refund::Slow)),
            ("succeed-refund", Some((_, state @ Refund::Slow))) => *state = Refund::Made,
            ("cancel-refund", Some((_, state @ Refund::Slow))) => *state = Refund::Undone,
            ("fail-refund", Some((_, state @ (Refund::Slow | Refund::Made)))) => *state = Refund::Undone,
            ("reverse" | "settle-chargeback", _) if enough => self.reversals.push((amount, true)),
            ("cancel-reversal" | "restore-chargeback", _) => {
                match self.reversals.iter_mut().rev().find(|(_, stands)| *stands) {
                    Some((_, stands)) => *stands = false,
                    None => return false,
                }
            }
            _ => return false,
        }
        true
    }

    fn is_disputed(&mut self, act: &str, amount: i64) -> bool {
        use Dispute::{Dropped, Inquiry, Lost, Open, Returned, Withdrawn, Won, WonOnPaper};
        if let "open-inquiry" | "dispute" = act {
            self.disputes.push((amount, if act == "dispute" { Open } else { Inquiry }));
            return true;
        }
        let Some((_, state)) = self.disputes.last_mut() else { return false };
        *state = match (act, *state) {
            ("escalate", Inquiry) => Open,
            ("close-inquiry", Inquiry) => Dropped,
            ("submit-evidence", open @ (Inquiry | Open | Withdrawn | Returned)) => open,
            ("withdraw-funds", Open) => Withdrawn,
            ("reinstate-funds", Withdrawn) => Returned,
            ("win", Withdrawn) => WonOnPaper,
            ("lose", Withdrawn) => Lost,
            ("win", Open | Returned) | ("reinstate-funds", WonOnPaper | Lost) => Won,
            _ => return false,
        };
        true
    }
}
