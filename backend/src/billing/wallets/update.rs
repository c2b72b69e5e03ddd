//! Changes when an org pays, and the floor of its wallet.

use super::credit::AMOUNT_MAX;
use super::store::{self, Locked};
use crate::audit::{self, Entry};
use crate::billing::tenants;
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::outbox;
use contract::api::billing::{Account, Billing, UpdateBilling};
use contract::id::LimitId;
use contract::money::Nanos;
use contract::snapshot::Kind;

/// Changes when an organisation pays, and the floor of its wallet.
#[utoipa::path(patch, path = "/v1/admin/orgs/{org}/billing", tag = "billing",
    request_body = UpdateBilling, responses((status = 200, body = Account)))]
pub async fn update_billing(
    ctx: OperatorCtx,
    At(org): At<String>,
    patch: Patch<UpdateBilling>,
) -> Result<Answer<Account>> {
    let mut tx = ctx.system_tx("change when an org pays").await?;
    let org = tenants::find_id(&mut tx, &org).await?.ok_or_else(ApiError::not_found)?;
    let wallet = store::lock(&mut tx, &[org.0]).await?.pop().ok_or_else(ApiError::not_found)?;
    let before = tenants::find(&mut tx, org).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let after = update(&mut tx, &wallet, &before, &body).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`.
async fn update(
    tx: &mut SystemTx,
    wallet: &Locked,
    before: &Account,
    body: &UpdateBilling,
) -> Result<Account> {
    let org = wallet.org_id;
    let floor = body.floor_usd.0;
    let mut check = Check::new();
    check.that(
        floor >= Nanos::ZERO && floor <= AMOUNT_MAX,
        "/floor_usd",
        "Use 0 to 100000000 dollars.",
    );
    check.that(
        floor <= wallet.balance || floor <= wallet.floor_kept(),
        "/floor_usd",
        "The balance is lower than this. Add credit first.",
    );
    check.done()?;
    // A higher floor is kept by gateways at once, and by the books when what is held fits above it.
    let floors = match body.billing {
        Billing::Prepaid if floor > wallet.floor => (wallet.floor, Some(floor)),
        Billing::Prepaid | Billing::Postpaid => (floor.min(wallet.balance), None),
    };
    let begins = body.billing == Billing::Prepaid && wallet.billing == Billing::Postpaid;
    let limit = if begins { tx.new_id(LimitId::new) } else { wallet.limit_id };
    store::set_billing(tx, wallet, body.billing, floors, limit).await?;
    for id in [wallet.limit_id, limit] {
        outbox::push(tx, Kind::Limit, id).await?;
    }
    let after = tenants::find(tx, org).await?.ok_or_else(ApiError::not_found)?;
    let entry =
        Entry::new("update_billing", "wallet", org).in_org(org).before(before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}
