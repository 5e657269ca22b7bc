//! Redeems the codes of promotions and gifts.
//!
//! Account, ledger entry, and promotion or gift are written in one transaction. The code of a promotion gives its credits once to each
//! email address, and to no more accounts than its limit; that of a gift gives them once, to one account. Attempts are counted for the
//! account and for the networks of the client, so that codes cannot be guessed; a repeat with the same `Idempotency-Key` gets the same
//! response and is no attempt.

use api::{
    Mutation, MutationError, MutationResponse, Mutations, Routes,
    credits::promotions::{REDEEM, RedemptionRequest, RedemptionView},
    own_account,
    payments::gifts::gift_of_code,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, GiftId, LedgerEntryId, Refusal,
    credits::promotion::{Promotion, normalize, not_redeemable},
    payments::{
        gift::{GiftContext, read_code},
        payment::PaymentReference,
    },
};
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Caller, MutatingRequest, Problem, RequestContext},
};
use store::Write;

const HOUR_S: i64 = 3_600;
/// Attempts of an account in an hour.
const PER_ACCOUNT: u64 = 10;
/// Attempts of the narrowest network of a client in an hour.
const PER_NETWORK: u64 = 100;

pub(crate) fn routes() -> Routes<Mutations> {
    Routes::new().operation(&REDEEM, redeem)
}

async fn redeem(
    State(mutations): State<Mutations>,
    caller: Caller,
    client: RequestContext,
    request: MutatingRequest<RedemptionRequest>,
) -> Result<Response, Problem> {
    let id = AccountId(caller.account_id);
    let now = clock::now();
    let table = &mutations.table;
    let mutation = mutations.begin(id, request.idempotency, now).await?;
    if let Some(stored) = mutation.stored_response().await? {
        return Ok(stored);
    }
    mutations.limit("redemption", id.0.as_bytes(), (HOUR_S, PER_ACCOUNT), now).await?;
    mutations.limit_networks("redemption-network", &client.networks(), (HOUR_S, PER_NETWORK), now).await?;
    let code = normalize(&request.body.code);
    let sealer = mutations.sealer().await?;
    let gift = read_code(&request.body.code).map(|code| gift_of_code(sealer, code));
    mutation
        .run(|| async {
            let promotion = match code.as_deref() {
                Some(code) => table.promotion(code).await?,
                None => None,
            };
            match (promotion, gift) {
                (Some(promotion), _) => redeem_promotion(&mutations, &mutation, (&caller, &promotion), now).await,
                (None, Some(gift)) => redeem_gift(&mutations, &mutation, (id, gift), now).await,
                (None, None) => Err(not_redeemable().into()),
            }
        })
        .await
}

async fn redeem_promotion(
    mutations: &Mutations,
    mutation: &Mutation<'_>,
    (caller, promotion): (&Caller, &Promotion),
    now: Timestamp,
) -> Result<Response, MutationError> {
    let (table, id) = (&mutations.table, AccountId(caller.account_id));
    let account = table.account(id).await?.ok_or(Refusal::NotFound)?;
    // Staff give credits to accounts of others, with a reason that their owners read.
    if promotion.staff == mutations.staff_name(caller).await? {
        return Err(own_account().into());
    }
    if table.has_redeemed(&account, promotion.id).await? {
        return Err(Refusal::Conflict("an account with this email address has redeemed this code before").into());
    }
    let redeemed = account.redeem(promotion, LedgerEntryId(clock::uuid_at(now)), now)?;
    let mut writes = vec![
        Write::Account(&redeemed.account),
        Write::LedgerEntry(id, &redeemed.entry),
        Write::Promotion(&redeemed.promotion),
        Write::Redemption(&redeemed.redemption),
    ];
    writes.extend(redeemed.mailbox.iter().map(Write::RedeemedCode));
    let (credits, available) = (redeemed.redemption.credits, redeemed.account.balance.available);
    mutation.commit(&writes, MutationResponse::created(RedemptionView { credits, available })).await
}

async fn redeem_gift(
    mutations: &Mutations,
    mutation: &Mutation<'_>,
    (id, gift): (AccountId, GiftId),
    now: Timestamp,
) -> Result<Response, MutationError> {
    let table = &mutations.table;
    let gift = table.gift(gift).await?.ok_or_else(not_redeemable)?;
    let account = table.account(id).await?.ok_or(Refusal::NotFound)?;
    let buyer = match table.find_payment(&PaymentReference::Payment(gift.payment)).await? {
        Some((buyer, _)) => table.account(buyer).await?,
        None => None,
    };
    let payments = table.all_payments(id).await?;
    let around = GiftContext { gift: &gift, buyer: buyer.as_ref(), payments: &payments };
    let redeemed = account.redeem_gift(around, LedgerEntryId(clock::uuid_at(now)), now)?;
    let mut writes =
        vec![Write::Account(&redeemed.account), Write::LedgerEntry(id, &redeemed.entry), Write::Gift(&redeemed.gift)];
    writes.extend(redeemed.plan_change.as_ref().map(Write::PlanChange));
    // It must not be frozen meanwhile.
    writes.extend(buyer.as_ref().map(Write::Unchanged));
    let (credits, available) = (gift.credits, redeemed.account.balance.available);
    mutation.commit(&writes, MutationResponse::created(RedemptionView { credits, available })).await
}
