//! The wallet of an org.

use super::{held, store};
use crate::app::App;
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, OrgCtx, Result};
use contract::api::billing::{Billing, Wallet};
use contract::money::{Nanos, Usd};
use contract::role::Action;

/// The organisation's wallet: what is left, what is held for calls that run, and the credits in the
/// order in which they are drawn.
#[utoipa::path(get, path = "/v1/orgs/{org}/wallet", tag = "billing",
    responses((status = 200, body = Wallet)))]
pub async fn get_wallet(ctx: OrgCtx) -> Result<Answer<Wallet>> {
    let tx = ctx.tenant_tx(Action::ViewCosts).await?;
    let wallet = read(ctx.app(), tx).await?;
    let version = wallet.version;
    Ok(Answer::ok(wallet).version(version))
}

/// # Errors
/// Postgres cannot be reached.
pub async fn read(app: &App, mut tx: TenantTx) -> Result<Wallet> {
    let wallet = store::find(&mut tx).await?.ok_or_else(ApiError::not_found)?;
    let credits = store::list_credits(&mut tx).await?;
    let (org, as_of) = (tx.org_id(), tx.now());
    // Redis may be slow; no connection to Postgres waits for it.
    tx.commit().await?;
    let held = match wallet.billing {
        Billing::Postpaid => Some(Nanos::ZERO),
        Billing::Prepaid => held::drawn(app, org, wallet.limit_id)
            .await
            .map(|drawn| drawn.saturating_sub(wallet.counted).max(Nanos::ZERO)),
    };
    let free = wallet.balance.saturating_sub(wallet.floor);
    let available = held.map(|held| free.saturating_sub(held).max(Nanos::ZERO));
    Ok(Wallet {
        billing: wallet.billing,
        balance_usd: Usd(wallet.balance),
        floor_usd: Usd(wallet.floor),
        held_usd: held.map(Usd),
        available_usd: available.map(Usd),
        owed_usd: Usd(wallet.owed),
        credits,
        as_of,
        version: wallet.version,
    })
}
