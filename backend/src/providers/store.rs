//! All SQL on providers and their credentials.

use crate::db::{SystemTx, Tx as _};
use crate::http::PageQuery;
use contract::api::providers::Provider;
use contract::id::ProviderId;
use contract::seal::Sealed;
use contract::snapshot::{Auth, Dialect, PoolPolicy, ProviderSettings};
use sqlx::types::Json;

pub async fn insert(tx: &mut SystemTx, provider: &Provider) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into providers (id, slug, name, base_url, dialect, auth, disabled, created_at, version,
           also, settings, pool)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        provider.id.0,
        provider.slug,
        provider.name,
        provider.base_url,
        provider.dialect.as_str(),
        provider.auth.as_str(),
        provider.disabled,
        provider.created_at,
        provider.version,
        &words(&provider.also),
        Json(&provider.settings) as _,
        provider.pool.as_ref().map(Json) as Option<Json<&PoolPolicy>>,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_credential(
    tx: &mut SystemTx,
    id: ProviderId,
    sealed: &Sealed,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into provider_credentials (provider_id, sealed, created_at) values ($1, $2, $3)
         on conflict (provider_id)
           do update set sealed = excluded.sealed, created_at = excluded.created_at",
        id.0,
        Json(sealed) as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete_credential(tx: &mut SystemTx, id: ProviderId) -> sqlx::Result<()> {
    sqlx::query!("delete from provider_credentials where provider_id = $1", id.0)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn find_credential(tx: &mut SystemTx, id: ProviderId) -> sqlx::Result<Option<Sealed>> {
    let sealed = sqlx::query_scalar!(
        r#"select sealed as "sealed: Json<Sealed>" from provider_credentials where provider_id = $1"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(sealed.map(|Json(sealed)| sealed))
}

pub async fn find(tx: &mut SystemTx, id: ProviderId) -> sqlx::Result<Option<Provider>> {
    Ok(select(tx, Some(id), None, None).await?.pop())
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn find_for_update(tx: &mut SystemTx, id: ProviderId) -> sqlx::Result<Option<Provider>> {
    sqlx::query!("select id from providers where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

pub async fn find_by_slug(tx: &mut SystemTx, slug: &str) -> sqlx::Result<Option<Provider>> {
    let id = sqlx::query_scalar!(
        r#"select id as "id: ProviderId" from providers where slug = $1"#,
        slug
    )
    .fetch_optional(tx.conn())
    .await?;
    match id {
        Some(id) => find(tx, id).await,
        None => Ok(None),
    }
}

pub async fn list(tx: &mut SystemTx, page: &PageQuery) -> sqlx::Result<Vec<Provider>> {
    select(tx, None, Some(page), Some(page.fetch())).await
}

async fn select(
    tx: &mut SystemTx,
    id: Option<ProviderId>,
    page: Option<&PageQuery>,
    fetch: Option<i64>,
) -> sqlx::Result<Vec<Provider>> {
    let rows = sqlx::query!(
        r#"select id as "id: ProviderId", slug, name, base_url, dialect as "dialect: Dialect",
             auth as "auth: Auth", disabled, created_at, version,
             also as "also: Vec<Dialect>", settings as "settings: Json<ProviderSettings>",
             pool as "pool: Json<PoolPolicy>",
             exists (select from provider_credentials c where c.provider_id = providers.id)
               as "has_credential!",
             (select count(*) from deployments d where d.provider_id = providers.id)
               as "deployment_count!"
           from providers
           where ($1::uuid is null or id = $1)
             and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        id.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Provider {
            id: row.id,
            slug: row.slug,
            name: row.name,
            base_url: row.base_url,
            dialect: row.dialect,
            also: row.also,
            auth: row.auth,
            settings: row.settings.0,
            pool: row.pool.map(|pool| pool.0),
            has_credential: row.has_credential,
            disabled: row.disabled,
            deployment_count: u32::try_from(row.deployment_count).unwrap_or(u32::MAX),
            created_at: row.created_at,
            version: row.version,
        })
        .collect())
}

/// Writes what an operator may change, and counts the version up.
pub async fn update(tx: &mut SystemTx, provider: &Provider) -> sqlx::Result<()> {
    sqlx::query!(
        "update providers set name = $2, base_url = $3, auth = $4, disabled = $5, version = $6,
           also = $7, settings = $8, pool = $9
         where id = $1",
        provider.id.0,
        provider.name,
        provider.base_url,
        provider.auth.as_str(),
        provider.disabled,
        provider.version,
        &words(&provider.also),
        Json(&provider.settings) as _,
        provider.pool.as_ref().map(Json) as Option<Json<&PoolPolicy>>,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn words(dialects: &[Dialect]) -> Vec<String> {
    dialects.iter().map(|dialect| dialect.as_str().to_owned()).collect()
}

pub async fn delete(tx: &mut SystemTx, id: ProviderId) -> sqlx::Result<()> {
    sqlx::query!("delete from providers where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}
