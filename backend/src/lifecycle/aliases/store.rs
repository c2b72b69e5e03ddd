//! All SQL on aliases themselves.

use crate::db::{SystemTx, Tx as _};
use crate::http::PageQuery;
use crate::lifecycle::cut_overs::store as cut_overs;
use crate::lifecycle::names::{Names, Node};
use crate::lifecycle::store::{lead, stored};
use contract::api::lifecycle::Alias;
use contract::id::{AliasId, ModelId};
use contract::snapshot::Lead;

pub async fn insert(tx: &mut SystemTx, id: AliasId, name: &str, to: &Lead) -> sqlx::Result<()> {
    let now = tx.now();
    let (model, alias, version) = stored(to);
    sqlx::query!(
        "insert into model_aliases (id, name, lead_model_id, lead_alias_id, lead_version, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        id.0,
        name,
        model,
        alias,
        version,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut SystemTx, id: AliasId) -> sqlx::Result<()> {
    sqlx::query!("delete from model_aliases where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}

pub async fn find(tx: &mut SystemTx, names: &Names, id: AliasId) -> sqlx::Result<Option<Alias>> {
    Ok(select(tx, names, Some(id), None).await?.pop())
}

pub async fn list(tx: &mut SystemTx, names: &Names, page: &PageQuery) -> sqlx::Result<Vec<Alias>> {
    select(tx, names, None, Some(page)).await
}

async fn select(
    tx: &mut SystemTx,
    names: &Names,
    id: Option<AliasId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Alias>> {
    let rows = sqlx::query!(
        r#"select id as "id: AliasId", name, lead_model_id as "lead_model_id: ModelId",
             lead_alias_id as "lead_alias_id: AliasId", lead_version, created_at, version
           from model_aliases
           where ($1::uuid is null or id = $1)
             and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        id.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut next = cut_overs::pending(tx, names).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let to = lead(row.lead_model_id, row.lead_alias_id, row.lead_version);
            let end = names.end(Node::Alias(row.id));
            Alias {
                id: row.id,
                name: row.name,
                to: to.map(|to| names.spell(&to)).unwrap_or_default(),
                model_name: end.map(|end| end.model.text.clone()).unwrap_or_default(),
                next: next.remove(&Node::Alias(row.id)),
                created_at: row.created_at,
                version: row.version,
            }
        })
        .collect())
}
