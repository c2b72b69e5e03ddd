//! All SQL on keys.

use super::model::KeyRow;
use crate::db::{TenantTx, Tx as _};
use crate::http::PageQuery;
use contract::id::{AppId, KeyId};
use contract::key::{KeyEnv, KeyHash};

pub async fn insert(tx: &mut TenantTx, key: &KeyRow, hash: &KeyHash) -> sqlx::Result<()> {
    let (org, by) = (tx.org_id(), tx.actor().person_id.map(|person| person.0));
    sqlx::query!(
        "insert into api_keys (id, org_id, app_id, name, env, public_id, secret_hash, last_four,
           created_by, created_by_name, created_at, expires_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        key.id.0,
        org.0,
        key.app_id.0,
        key.name,
        key.env.as_str(),
        key.public_id,
        hash.0.as_slice(),
        key.last_four,
        by,
        key.created_by_name,
        key.created_at,
        key.expires_at,
        key.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: KeyId) -> sqlx::Result<Option<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        r#"select k.id as "id: KeyId", k.app_id as "app_id: AppId", a.name as app_name, k.name,
                  k.env as "env: KeyEnv", k.public_id, k.last_four, k.created_by_name, k.created_at,
                  k.expires_at, k.revoked_at, k.last_used_at, k.version
           from api_keys k join apps a on a.id = k.app_id
           where k.id = $1"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Newest first; of one app, if `app` is given.
pub async fn list(
    tx: &mut TenantTx,
    app: Option<AppId>,
    page: PageQuery,
) -> sqlx::Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        r#"select k.id as "id: KeyId", k.app_id as "app_id: AppId", a.name as app_name, k.name,
                  k.env as "env: KeyEnv", k.public_id, k.last_four, k.created_by_name, k.created_at,
                  k.expires_at, k.revoked_at, k.last_used_at, k.version
           from api_keys k join apps a on a.id = k.app_id
           where ($1::uuid is null or k.app_id = $1)
             and ($2::timestamptz is null or (k.created_at, k.id) < ($2, $3))
           order by k.created_at desc, k.id desc limit $4"#,
        app.map(|app| app.0),
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await
}

/// Revokes a key that is not revoked. False: it was, or there is none.
pub async fn set_revoked(tx: &mut TenantTx, id: KeyId) -> sqlx::Result<bool> {
    let now = tx.now();
    let done = sqlx::query!(
        "update api_keys set revoked_at = $2, version = version + 1
         where id = $1 and revoked_at is null",
        id.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The key of that public id and secret, if it works.
pub async fn find_live(
    tx: &mut TenantTx,
    public_id: &str,
    hash: &KeyHash,
) -> sqlx::Result<Option<KeyId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"select id as "id: KeyId" from api_keys
           where public_id = $1 and secret_hash = $2 and revoked_at is null
             and (expires_at is null or expires_at > $3)"#,
        public_id,
        hash.0.as_slice(),
        now,
    )
    .fetch_optional(tx.conn())
    .await
}
