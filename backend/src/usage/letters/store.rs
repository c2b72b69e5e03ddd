//! All SQL on dead letters.

use super::{Letter, Said};
use crate::db::{SystemTx, TenantTx, Tx as _};
use crate::http::PageQuery;
use crate::usage::report::asked::Range;
use contract::api::dead_letters::DeadLetter;
use contract::id::{LetterId, OrgId, RequestId};
use contract::money::Usd;

/// Keeps a letter; once, whatever brings its entry again.
pub async fn keep(tx: &mut SystemTx, letter: &Letter) -> sqlx::Result<()> {
    tracing::error!(stream_id = letter.stream_id, reason = letter.reason, "usage event not booked");
    let id = tx.new_id(LetterId::new);
    let now = tx.now();
    sqlx::query!(
        "insert into usage_dead_letters (id, at, stream_id, reason, body, request_id, org_id)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (stream_id) do nothing",
        id.0,
        now,
        letter.stream_id,
        letter.reason,
        letter.body,
        letter.said.request_id.map(|id| id.0),
        letter.said.org_id.map(|id| id.0),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A letter, and the stream's name of its entry. Nobody else replays it until the transaction ends.
pub async fn find_for_update(
    tx: &mut SystemTx,
    id: LetterId,
) -> sqlx::Result<Option<(DeadLetter, String)>> {
    let stream_id = sqlx::query_scalar!(
        "select stream_id from usage_dead_letters where id = $1 for update",
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    let letter = select(tx, Some(id), true, None, None).await?.pop();
    Ok(letter.zip(stream_id))
}

pub async fn list(tx: &mut SystemTx, all: bool, page: &PageQuery) -> sqlx::Result<Vec<DeadLetter>> {
    select(tx, None, all, Some(page), Some(page.fetch())).await
}

async fn select(
    tx: &mut SystemTx,
    id: Option<LetterId>,
    all: bool,
    page: Option<&PageQuery>,
    fetch: Option<i64>,
) -> sqlx::Result<Vec<DeadLetter>> {
    let rows = sqlx::query!(
        r#"select id as "id: LetterId", at, reason, body, request_id as "request_id: RequestId",
             org_id as "org_id: OrgId", replayed_at
           from usage_dead_letters
           where ($1::uuid is null or id = $1) and ($2 or replayed_at is null)
             and ($3::timestamptz is null or (at, id) < ($3, $4))
           order by at desc, id desc limit $5"#,
        id.map(|id| id.0),
        all,
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeadLetter {
            id: row.id,
            at: row.at,
            reason: row.reason,
            request_id: row.request_id,
            org_id: row.org_id,
            said_usd: Said::by(&row.body).cost_nanos.map(Usd),
            body: row.body,
            replayed_at: row.replayed_at,
        })
        .collect())
}

pub async fn set_replayed(tx: &mut SystemTx, id: LetterId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("update usage_dead_letters set replayed_at = $2 where id = $1", id.0, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many of the org's calls were kept in this time and are not booked yet.
///
/// # Errors
/// Postgres cannot be reached.
pub async fn open_in(tx: &mut TenantTx, range: Range) -> sqlx::Result<u64> {
    let org = tx.org_id();
    let count = sqlx::query_scalar!(
        r#"select count(org_id) as "count!" from usage_dead_letters
           where org_id = $1 and at >= $2 and at < $3 and replayed_at is null"#,
        org.0,
        range.from,
        range.to,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count.unsigned_abs())
}

/// Letters that no operator was told of, told now unless some were within the hour: how many, and
/// how many are open in all.
pub async fn tell_new(tx: &mut SystemTx) -> sqlx::Result<(u64, u64)> {
    let now = tx.now();
    let new = sqlx::query!(
        "update usage_dead_letters set alerted_at = $1
         where alerted_at is null and replayed_at is null and not exists (
             select from usage_dead_letters where alerted_at > $1::timestamptz - interval '1 hour')",
        now,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    let open = sqlx::query_scalar!(
        r#"select count(*) as "count!" from usage_dead_letters where replayed_at is null"#
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((new, open.unsigned_abs()))
}

/// The addresses of the platform's operators.
pub async fn operators(tx: &mut SystemTx) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select email from people where is_operator order by email")
        .fetch_all(tx.conn())
        .await
}
