//! Derives the codes of gifts. Only the application key gives them, so they are stored nowhere.

use domain::{
    GiftId, PaymentId,
    payments::gift::{CodeBytes, spell_code},
};
use runtime::seal::Sealer;
use uuid::Builder;

/// The purpose of the keyed hash of a payment that is its code.
const CODE: &str = "gift code";
/// The purpose of the keyed hash of a code that is the id of the gift.
const ID: &str = "gift";

/// Returns the code of the gift that a payment is for.
#[must_use]
pub fn gift_code(sealer: &Sealer, payment: PaymentId) -> String {
    spell_code(code_of(sealer, payment))
}

/// Returns the id of the gift that a payment is for.
#[must_use]
pub fn gift_of_payment(sealer: &Sealer, payment: PaymentId) -> GiftId {
    gift_of_code(sealer, code_of(sealer, payment))
}

/// Returns the id of the gift with this code, if there is one.
#[must_use]
pub fn gift_of_code(sealer: &Sealer, code: CodeBytes) -> GiftId {
    GiftId(Builder::from_custom_bytes(first_bytes(sealer.mac(ID, &code))).into_uuid())
}

fn code_of(sealer: &Sealer, payment: PaymentId) -> CodeBytes {
    first_bytes(sealer.mac(CODE, payment.0.as_bytes()))
}

fn first_bytes<const LENGTH: usize>(mac: [u8; 32]) -> [u8; LENGTH] {
    let mut first = [0; LENGTH];
    first.iter_mut().zip(mac).for_each(|(byte, of_mac)| *byte = of_mac);
    first
}

#[cfg(test)]
mod tests {
    use domain::payments::gift::read_code;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn code_is_of_the_payment_and_the_key_and_finds_the_gift() {
        let [one, other] = [1, 2].map(|byte| Sealer::new(&[byte; 32]).unwrap());
        let [first, second] = [1, 2].map(|number| PaymentId(Uuid::from_u128(number)));
        let code = gift_code(&one, first);
        assert_eq!(code, gift_code(&one, first));
        assert!(code != gift_code(&one, second) && code != gift_code(&other, first));
        let read = read_code(&code).unwrap();
        assert_eq!(gift_of_code(&one, read), gift_of_payment(&one, first));
        assert_ne!(gift_of_code(&other, read), gift_of_payment(&one, first), "a code is of one deployment");
        assert_ne!(gift_of_payment(&one, first), gift_of_payment(&one, second));
    }
}
