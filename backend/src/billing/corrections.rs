//! Correcting what was billed: a new transaction that names the old one, says why, and is written
//! by somebody. What is given back goes first to what is owed, then to the wallet as credit.

use super::posting::{About, Posting};
use super::wallets::credit::{self, AMOUNT_MAX};
use super::wallets::store;
use super::wallets::{Due, draw_for};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use contract::Timestamp;
use contract::api::billing::{
    AccountKind, CreateCorrection, LedgerEntry, LedgerKind, LedgerTransaction,
};
use contract::error::ErrorCode;
use contract::id::{LedgerTransactionId, OrgId};
use contract::money::{Nanos, Usd};
use serde::Serialize;

/// Corrects what a call, a minimum or a call of unknown outcome was billed.
#[utoipa::path(post, path = "/v1/admin/ledger/{transaction}/corrections", tag = "billing",
    request_body = CreateCorrection, responses((status = 201, body = LedgerTransaction)))]
pub async fn create_correction(
    ctx: OperatorCtx,
    At(id): At<LedgerTransactionId>,
    post: Post<CreateCorrection>,
) -> Result<Answer<LedgerTransaction>> {
    let mut tx = ctx.system_tx("correct the ledger").await?;
    post.once(&mut tx).await?;
    let correction = create(&mut tx, id, &post.body).await?;
    post.commit(tx, Answer::created(correction)).await
}

/// A transaction as far as correcting it needs it.
struct Corrected {
    org_id: OrgId,
    kind: LedgerKind,
    at: Timestamp,
}

/// What the audit log keeps of a correction.
#[derive(Serialize)]
struct Noted<'a> {
    corrects: LedgerTransactionId,
    amount_usd: Usd,
    reason: &'a str,
}

async fn create(
    tx: &mut SystemTx,
    id: LedgerTransactionId,
    new: &CreateCorrection,
) -> Result<LedgerTransaction> {
    let before = find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    if !matches!(before.kind, LedgerKind::Usage | LedgerKind::Minimum | LedgerKind::Unknown) {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!(
                "A transaction of kind {} is not corrected: correct what bills a call or a minimum.",
                before.kind.as_str()
            ),
        ));
    }
    let billed = Nanos(0_i64.saturating_sub(store::sum_of(tx, id, AccountKind::Revenue).await?.0));
    let amount = new.amount_usd.0;
    let mut check = Check::new();
    check.that(amount != Nanos::ZERO, "/amount_usd", "Say by how much; 0 corrects nothing.");
    check.that(
        billed.saturating_add(amount) >= Nanos::ZERO,
        "/amount_usd",
        format!("No more than {} can be given back; that is what was billed.", Usd(billed)),
    );
    check.that(amount <= AMOUNT_MAX, "/amount_usd", "Use at most 100000000 dollars.");
    let reason = check.line("/reason", &new.reason, 1..=500);
    check.done()?;
    let written = write(tx, (id, before.org_id, before.at), amount, reason).await?;
    let noted = Noted { corrects: id, amount_usd: new.amount_usd, reason };
    let entry = Entry::new("create_correction", "ledger_transaction", written)
        .in_org(before.org_id)
        .after(&noted);
    audit::record(tx, entry).await?;
    Ok(LedgerTransaction {
        id: written,
        kind: LedgerKind::Correction,
        at: before.at,
        created_at: tx.now(),
        amount_usd: Usd(Nanos(amount.0.saturating_abs())),
        request_id: None,
        price_id: None,
        plan_id: None,
        month: None,
        corrects: Some(id),
        reason: Some(reason.to_owned()),
        actor_name: Some(tx.actor().name.clone()),
        entries: entries(tx, written).await?,
    })
}

/// Writes a correction of `(transaction, whose, when)` by `amount`, which gives back no more than
/// was billed.
///
/// # Errors
/// Postgres refused.
pub async fn write(
    tx: &mut SystemTx,
    (corrects, org_id, at): (LedgerTransactionId, OrgId, Timestamp),
    amount: Nanos,
    reason: &str,
) -> sqlx::Result<LedgerTransactionId> {
    let id = tx.new_id(LedgerTransactionId::new);
    let (of, reason) = (corrects, Some(reason.to_owned()));
    let corrects = Some(of);
    if amount > Nanos::ZERO {
        // Charged later than the call, so it is today's credit that pays.
        let at = tx.now();
        let (kind, about, limits) = (LedgerKind::Correction, About::Itself, Vec::new());
        let due = Due { id, kind, at, about, corrects, reason, amount, limits };
        draw_for(tx, org_id, due).await?;
        return Ok(id);
    }
    // Nobody else corrects in this org meanwhile, so what is owed of it stays what it is.
    store::lock(tx, &[org_id.0]).await?;
    let back = Nanos(0_i64.saturating_sub(amount.0));
    let owed = store::sum_of(tx, of, AccountKind::Receivable).await?;
    let (kind, about, legs) = (LedgerKind::Correction, About::Itself, Vec::new());
    let posting = Posting { id, org_id, kind, at, about, corrects, reason, legs };
    credit::give_back(tx, posting, back, owed).await?;
    Ok(id)
}

/// The transaction, which nobody else corrects until this one ends.
async fn find(tx: &mut SystemTx, id: LedgerTransactionId) -> sqlx::Result<Option<Corrected>> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('ledger/' || $1, 0))",
        id.to_string()
    )
    .fetch_one(tx.conn())
    .await?;
    sqlx::query_as!(
        Corrected,
        r#"select org_id as "org_id: OrgId", kind as "kind: LedgerKind", at
           from ledger_transactions where id = $1"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

async fn entries(tx: &mut SystemTx, id: LedgerTransactionId) -> sqlx::Result<Vec<LedgerEntry>> {
    let rows = sqlx::query!(
        r#"select kind as "account: AccountKind", amount_nanos as "amount: Nanos"
           from ledger_entries entry join ledger_accounts account on account.id = entry.account_id
           where transaction_id = $1 order by position"#,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LedgerEntry { account: row.account, amount_usd: Usd(row.amount) })
        .collect())
}
