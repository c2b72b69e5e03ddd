//! An operator ends a call of unknown outcome: by what its provider reports, by letting it go, or by
//! what was reserved for it.

use super::store::{self, Pending};
use crate::audit::{self, Entry};
use crate::billing::posting::{About, Billed};
use crate::billing::wallets::{Due, draw_for};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::usage::{self, book, event};
use contract::api::billing::{LedgerKind, Resolution, ResolveUnknown, Unknown, UnknownState};
use contract::error::{ErrorCode, FieldError};
use contract::id::{LedgerTransactionId, RequestId};
use contract::money::{Nanos, Rates};
use contract::usage::{Tokens, Units};
use sqlx::types::Json;

/// Ends a call of unknown outcome.
#[utoipa::path(post, path = "/v1/admin/unknowns/{request}/resolve", tag = "billing",
    request_body = ResolveUnknown, responses((status = 200, body = Unknown)))]
pub async fn resolve_unknown(
    ctx: OperatorCtx,
    At(request): At<RequestId>,
    post: Post<ResolveUnknown>,
) -> Result<Answer<Unknown>> {
    let mut tx = ctx.system_tx("end a call of unknown outcome").await?;
    post.once(&mut tx).await?;
    resolve(&mut tx, request, &post.body).await?;
    let after = super::list::find(&mut tx, request).await?.ok_or_else(ApiError::not_found)?;
    let entry = Entry::new("resolve_unknown", "usage_unknown", request)
        .in_org(after.org_id)
        .before(&post.body)
        .after(&after);
    audit::record(&mut tx, entry).await?;
    post.commit(tx, Answer::ok(after)).await
}

async fn resolve(tx: &mut SystemTx, request: RequestId, body: &ResolveUnknown) -> Result<()> {
    let call = store::find_for_update(tx, request).await?.ok_or_else(ApiError::not_found)?;
    let by_usage = body.resolution == Resolution::Usage;
    let is_reported = body.tokens.is_some() || body.units.is_some();
    let is_nothing = body.tokens.unwrap_or(Tokens::NONE) == Tokens::NONE
        && body.units.unwrap_or(Units::NONE).is_zero();
    let mut check = Check::new();
    let reason = check.line("/reason", &body.reason, 1..=500);
    check.that(
        by_usage == is_reported,
        "/tokens",
        "With `usage`, say the tokens or units that the provider reports; otherwise leave both out.",
    );
    check.that(
        !(by_usage && is_reported && is_nothing),
        "/tokens",
        "Say more than 0 of something; a call that used nothing is ended with `forgive`.",
    );
    check.done()?;
    if call.state == UnknownState::Settled {
        return Err(conflict("What the call used is known and billed. Correct that instead."));
    }
    match body.resolution {
        Resolution::Usage => by_report(tx, &call, body, reason).await,
        Resolution::Forgive => Ok(forgive(tx, &call, reason).await?),
        Resolution::BillReserved if call.transaction_id.is_some() => {
            Err(conflict("What was reserved for it was billed before. Correct that instead."))
        }
        Resolution::BillReserved => Ok(bill(tx, &call, reason).await?),
    }
}

fn conflict(detail: &str) -> ApiError {
    ApiError::new(ErrorCode::Conflict, detail)
}

/// Lets a call go; gives back what was billed for it.
///
/// # Errors
/// Postgres refused.
pub async fn forgive(tx: &mut SystemTx, call: &Pending, reason: &str) -> sqlx::Result<()> {
    if let Some(transaction) = call.transaction_id {
        let limits: Vec<_> = call.limits.0.iter().map(|limit| limit.limit_id).collect();
        store::take_back(tx, (transaction, call.org_id, call.at), &limits, reason).await?;
    }
    store::set_state(tx, call.request_id, UnknownState::Forgiven, None, reason).await
}

/// Bills what was reserved for a call.
///
/// # Errors
/// Postgres refused.
pub async fn bill(tx: &mut SystemTx, call: &Pending, reason: &str) -> sqlx::Result<()> {
    if call.reserved == Nanos::ZERO {
        return store::set_state(tx, call.request_id, UnknownState::Billed, None, reason).await;
    }
    let id = tx.new_id(LedgerTransactionId::new);
    let due = Due {
        id,
        kind: LedgerKind::Unknown,
        at: call.at,
        about: About::Call(Billed {
            request_id: call.request_id,
            price_id: call.price_id,
            plan_id: call.plan_id,
        }),
        corrects: None,
        reason: Some(reason.to_owned()),
        amount: call.reserved,
        limits: call.limits.0.iter().map(|limit| limit.limit_id).collect(),
    };
    draw_for(tx, call.org_id, due).await?;
    store::set_state(tx, call.request_id, UnknownState::Billed, Some(id), reason).await
}

/// Books what the provider reports, as the call's event; that settles it.
async fn by_report(
    tx: &mut SystemTx,
    call: &Pending,
    body: &ResolveUnknown,
    reason: &str,
) -> Result<()> {
    let rates = sqlx::query_scalar!(
        r#"select rates as "rates: Json<Rates>" from prices where id = $1"#,
        call.price_id.0,
    )
    .fetch_one(tx.conn())
    .await?;
    let mut event = store::event(tx, call).await?;
    event.tokens = body.tokens.unwrap_or(Tokens::NONE);
    event.units = body.units.unwrap_or(Units::NONE);
    event.cost_nanos = event.cost_under(&rates.0);
    let refused = |detail: String| ApiError::invalid(vec![FieldError::new("/tokens", detail)]);
    event::check(&event, tx.now()).map_err(|refusal| refused(refusal.to_string()))?;
    let body = Some(serde_json::to_string(&event)?);
    let entry = usage::Entry { stream_id: format!("resolved-{}", call.request_id), body };
    let (new, letters) = book::book_events(tx, &[(&entry, event)]).await?;
    match letters.first() {
        Some(letter) => Err(refused(letter.reason().to_owned())),
        None if new == 0 => Err(conflict("The call is booked already.")),
        None => {
            Ok(store::set_state(tx, call.request_id, UnknownState::Settled, None, reason).await?)
        }
    }
}
