//! Gives an org credit: paid for, or granted.

use super::store::{self, Moved, NewCredit};
use crate::audit::{self, Entry};
use crate::billing::posting::{self, About, Posting};
use crate::billing::tenants;
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::outbox;
use contract::api::billing::{
    AccountKind, CreateCredit, Credit, CreditKind, LedgerKind, PRIORITY_DEFAULT,
};
use contract::id::{CreditId, LedgerTransactionId, OrgId};
use contract::money::{NANOS_PER_USD, Nanos, Usd};
use contract::snapshot::Kind;

/// The most that one credit, correction or floor may be: so that sums of many fit.
pub const AMOUNT_MAX: Nanos = Nanos(100_000_000 * NANOS_PER_USD);

/// Gives an organisation credit.
#[utoipa::path(post, path = "/v1/admin/orgs/{org}/credits", tag = "billing",
    request_body = CreateCredit, responses((status = 201, body = Credit)))]
pub async fn create_credit(
    ctx: OperatorCtx,
    At(org): At<String>,
    post: Post<CreateCredit>,
) -> Result<Answer<Credit>> {
    let mut tx = ctx.system_tx("give an org credit").await?;
    post.once(&mut tx).await?;
    let org = tenants::find_id(&mut tx, &org).await?.ok_or_else(ApiError::not_found)?;
    let credit = create(&mut tx, org, &post.body).await?;
    post.commit(tx, Answer::created(credit)).await
}

/// # Errors
/// `request.invalid`.
pub async fn create(tx: &mut SystemTx, org: OrgId, new: &CreateCredit) -> Result<Credit> {
    let now = tx.now();
    let mut check = Check::new();
    let (kind, account) = match new.kind {
        CreditKind::Purchase => (LedgerKind::TopUp, AccountKind::Cash),
        CreditKind::Grant | CreditKind::Refund => (LedgerKind::Grant, AccountKind::Promotion),
    };
    check.that(
        new.kind != CreditKind::Refund,
        "/kind",
        "Say purchase or grant; a refund comes of correcting a transaction.",
    );
    let amount = new.amount_usd.0;
    check.that(
        amount > Nanos::ZERO && amount <= AMOUNT_MAX,
        "/amount_usd",
        "Use more than 0 and at most 100000000 dollars.",
    );
    check.that((1..=100).contains(&new.priority), "/priority", "Use 1 to 100.");
    check.that(
        new.expires_at.is_none_or(|at| at > now),
        "/expires_at",
        "Name an instant to come, or leave it out.",
    );
    let note = check.line("/note", &new.note, 1..=200).to_owned();
    check.done()?;

    let transaction = tx.new_id(LedgerTransactionId::new);
    let legs =
        vec![(account, amount), (AccountKind::Wallet, Nanos(0_i64.saturating_sub(amount.0)))];
    let posting = Posting {
        id: transaction,
        org_id: org,
        kind,
        at: now,
        about: About::Itself,
        corrects: None,
        reason: Some(note.clone()),
        legs,
    };
    let new = NewCredit {
        id: tx.new_id(CreditId::new),
        kind: new.kind,
        amount,
        priority: new.priority,
        expires_at: new.expires_at,
        note,
        transaction_id: transaction,
    };
    let credit = add(tx, org, posting, new).await?;
    let entry = Entry::new("create_credit", "credit", credit.id).in_org(org).after(&credit);
    audit::record(tx, entry).await?;
    Ok(credit)
}

/// Writes a transaction that gives an org back what it was charged: `owed` of it is not owed any more, the
/// rest becomes credit. The posting has no legs yet.
///
/// # Errors
/// As [`add`].
pub async fn give_back(
    tx: &mut SystemTx,
    posting: Posting,
    back: Nanos,
    owed: Nanos,
) -> sqlx::Result<()> {
    let owed = owed.max(Nanos::ZERO).min(back);
    let refund = back.saturating_sub(owed);
    let negative = |amount: Nanos| Nanos(0_i64.saturating_sub(amount.0));
    let legs = vec![
        (AccountKind::Revenue, back),
        (AccountKind::Receivable, negative(owed)),
        (AccountKind::Wallet, negative(refund)),
    ];
    let posting = Posting { legs, ..posting };
    if refund == Nanos::ZERO {
        return posting::post(tx, &[posting]).await;
    }
    let (org, id) = (posting.org_id, posting.id);
    let credit = NewCredit {
        id: tx.new_id(CreditId::new),
        kind: CreditKind::Refund,
        amount: refund,
        priority: PRIORITY_DEFAULT,
        expires_at: None,
        note: format!("Given back by {id}"),
        transaction_id: id,
    };
    add(tx, org, posting, credit).await?;
    Ok(())
}

/// Writes a credit with the transaction that it comes of, and lets gateways know.
///
/// # Errors
/// The wallet would hold too much: `wallets_credited_nanos_check`.
pub async fn add(
    tx: &mut SystemTx,
    org: OrgId,
    posting: Posting,
    new: NewCredit,
) -> sqlx::Result<Credit> {
    let wallet = store::lock(tx, &[org.0]).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
    posting::post(tx, &[posting]).await?;
    store::insert_credit(tx, org, &new).await?;
    store::add(tx, org, Moved { credited: new.amount, ..Moved::default() }).await?;
    outbox::push(tx, Kind::Limit, wallet.limit_id).await?;
    Ok(Credit {
        id: new.id,
        kind: new.kind,
        amount_usd: Usd(new.amount),
        remaining_usd: Usd(new.amount),
        priority: new.priority,
        expires_at: new.expires_at,
        note: new.note,
        created_at: tx.now(),
    })
}
