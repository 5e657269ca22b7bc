//! Redeems the codes of promotions.
//!
//! Account, ledger entry, promotion and redemption are written in one transaction: a code gives its credits once to each email address,
//! and to no more accounts than its limit. Attempts are counted for the account and for the networks of the client, so that codes cannot be
//! guessed; a repeat with the same `Idempotency-Key` gets the same response and is no attempt.

use api::{
    MutationResponse, Mutations, Routes,
    credits::promotions::{REDEEM, RedemptionRequest, RedemptionView},
    own_account,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, LedgerEntryId, Refusal,
    credits::promotion::{normalize, not_redeemable},
};
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
    mutation
        .run(|| async {
            let account = table.account(id).await?.ok_or(Refusal::NotFound)?;
            let code = code.as_deref().ok_or_else(not_redeemable)?;
            let promotion = table.promotion(code).await?.ok_or_else(not_redeemable)?;
            // Staff give credits to accounts of others, with a reason that their owners read.
            if promotion.staff == mutations.staff_name(&caller).await? {
                return Err(own_account().into());
            }
            if table.has_redeemed(&account, promotion.id).await? {
                return Err(
                    Refusal::Conflict("an account with this email address has redeemed this code before").into()
                );
            }
            let redeemed = account.redeem(&promotion, LedgerEntryId(clock::uuid_at(now)), now)?;
            let mut writes = vec![
                Write::Account(&redeemed.account),
                Write::LedgerEntry(id, &redeemed.entry),
                Write::Promotion(&redeemed.promotion),
                Write::Redemption(&redeemed.redemption),
            ];
            writes.extend(redeemed.mailbox.iter().map(Write::RedeemedCode));
            let (credits, available) = (redeemed.redemption.credits, redeemed.account.balance.available);
            mutation.commit(&writes, MutationResponse::created(RedemptionView { credits, available })).await
        })
        .await
}
