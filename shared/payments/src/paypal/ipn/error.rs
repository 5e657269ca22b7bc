//! Why a message of PayPal is refused.

/// The largest message that is read, in bytes.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Why a message cannot be about a payment of ours. It will not be read differently another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpnError {
    /// PayPal is off.
    #[error("a message from PayPal, which is off here: turn it on, or remove the notification address in PayPal")]
    NotConfigured,
    /// No bytes.
    #[error("the message is empty")]
    Empty,
    /// More than PayPal ever sends.
    #[error("the message is larger than {} bytes", MAX_BYTES)]
    TooLarge,
    /// Not a form as browsers encode it.
    #[error("the message is not a form")]
    Encoding,
    /// A field comes twice, so it is not known which one counts.
    #[error("the message has a field twice")]
    Duplicate,
    /// Test money where real money is taken, or the other way round.
    #[error("the message is about the other kind of money, test or live")]
    Mode,
    /// Money that another account received.
    #[error("the message is about another receiver: check paypal_receiver_id in the payments secret")]
    Receiver,
    /// A field that is needed is missing, or not as documented.
    #[error("the message's {0} is not as documented")]
    Field(&'static str),
}
