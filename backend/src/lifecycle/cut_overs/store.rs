//! All SQL on cut-overs.

use super::{Change, lead};
use crate::db::{SystemTx, Tx as _};
use crate::http::PageQuery;
use crate::lifecycle::names::{Names, Node};
use crate::lifecycle::store::{lead as read, stored};
use contract::Timestamp;
use contract::api::lifecycle::{CutOver, CutOverState};
use contract::id::{AliasId, CutOverId, ModelId};
use contract::snapshot::Lead;
use std::collections::HashMap;

pub async fn insert(
    tx: &mut SystemTx,
    id: CutOverId,
    change: &Change,
    words: &str,
    at: Timestamp,
) -> sqlx::Result<()> {
    let (now, name) = (tx.now(), tx.actor().name.clone());
    let (model, alias) = match change.of {
        Node::Model(id) => (Some(id.0), None),
        Node::Alias(id) => (None, Some(id.0)),
    };
    let (to_model, to_alias, to_version) = stored(&change.to);
    sqlx::query!(
        "insert into model_cut_overs (id, model_id, alias_id, at, to_model_id, to_alias_id,
           to_version, to_words, rolls_back_id, created_by_name, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.0,
        model,
        alias,
        at,
        to_model,
        to_alias,
        to_version,
        words,
        change.rolls_back.map(|id| id.0),
        name,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Says that it was done, and from where the name led away.
pub async fn set_done(
    tx: &mut SystemTx,
    id: CutOverId,
    before: &Lead,
    words: &str,
) -> sqlx::Result<()> {
    let now = tx.now();
    let (model, alias, version) = stored(before);
    sqlx::query!(
        "update model_cut_overs set done_at = $2, before_model_id = $3, before_alias_id = $4,
           before_version = $5, before_words = $6
         where id = $1",
        id.0,
        now,
        model,
        alias,
        version,
        words,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_cancelled(tx: &mut SystemTx, id: CutOverId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("update model_cut_overs set cancelled_at = $2 where id = $1", id.0, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A cut-over, with what it is of and where the name led before.
#[derive(Debug)]
pub struct Row {
    pub shown: CutOver,
    pub of: Node,
    pub to: Option<Lead>,
    pub before: Option<Lead>,
}

pub async fn find(tx: &mut SystemTx, names: &Names, id: CutOverId) -> sqlx::Result<Option<Row>> {
    Ok(select(tx, names, Which { id: Some(id), ..Which::default() }).await?.pop())
}

pub async fn list(
    tx: &mut SystemTx,
    names: &Names,
    page: &PageQuery,
    of: Option<Node>,
) -> sqlx::Result<Vec<Row>> {
    select(tx, names, Which { page: Some(page), of, ..Which::default() }).await
}

/// What is scheduled, by what it is of.
pub async fn pending(tx: &mut SystemTx, names: &Names) -> sqlx::Result<HashMap<Node, CutOver>> {
    let rows = select(tx, names, Which { is_open: true, ..Which::default() }).await?;
    Ok(rows.into_iter().map(|row| (row.of, row.shown)).collect())
}

/// What is due, the earliest in front.
pub async fn due(tx: &mut SystemTx, names: &Names) -> sqlx::Result<Vec<Row>> {
    let now = tx.now();
    let rows = select(tx, names, Which { is_open: true, ..Which::default() }).await?;
    let mut due: Vec<Row> = rows.into_iter().filter(|row| row.shown.at <= now).collect();
    due.sort_by_key(|row| (row.shown.at, row.shown.id));
    Ok(due)
}

/// Whether some deployment of a model takes calls that are for this version of it, or for none.
pub async fn has_place(
    tx: &mut SystemTx,
    model: ModelId,
    version: Option<&str>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from deployments d join providers p on p.id = d.provider_id
             where d.model_id = $1 and not d.disabled and not p.disabled and d.weight > 0
               and (select v.label from model_versions v where v.id = d.model_version_id)
                 is not distinct from $2) as "has_place!""#,
        model.0,
        version,
    )
    .fetch_one(tx.conn())
    .await
}

#[derive(Default)]
struct Which<'a> {
    id: Option<CutOverId>,
    of: Option<Node>,
    is_open: bool,
    page: Option<&'a PageQuery>,
}

async fn select(tx: &mut SystemTx, names: &Names, which: Which<'_>) -> sqlx::Result<Vec<Row>> {
    let of = which.of.map(|of| match of {
        Node::Model(id) => id.0,
        Node::Alias(id) => id.0,
    });
    let rows = sqlx::query!(
        r#"select id as "id: CutOverId", model_id as "model_id: ModelId",
             alias_id as "alias_id: AliasId", at, to_model_id as "to_model_id: ModelId",
             to_alias_id as "to_alias_id: AliasId", to_version, to_words,
             before_model_id as "before_model_id: ModelId",
             before_alias_id as "before_alias_id: AliasId", before_version, before_words,
             rolls_back_id as "rolls_back_id: CutOverId", created_by_name, created_at, done_at,
             cancelled_at
           from model_cut_overs
           where ($1::uuid is null or id = $1) and ($2::uuid is null or $2 in (model_id, alias_id))
             and (not $3 or (done_at is null and cancelled_at is null))
             and ($4::timestamptz is null or (created_at, id) < ($4, $5))
           order by created_at desc, id desc limit $6"#,
        which.id.map(|id| id.0),
        of,
        which.is_open,
        which.page.and_then(PageQuery::after_at),
        which.page.and_then(PageQuery::after_id),
        which.page.map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let of = row.model_id.map(Node::Model).or_else(|| row.alias_id.map(Node::Alias))?;
            let to = read(row.to_model_id, row.to_alias_id, row.to_version);
            let before = read(row.before_model_id, row.before_alias_id, row.before_version);
            let state = match (row.done_at, row.cancelled_at) {
                (Some(_), _) => CutOverState::Done,
                (None, Some(_)) => CutOverState::Cancelled,
                (None, None) => CutOverState::Scheduled,
            };
            let is_reversible = state == CutOverState::Done
                && before.is_some()
                && to.is_some()
                && lead(names, of) == to;
            let shown = CutOver {
                id: row.id,
                name: names.get(of).map(|name| name.text.clone()).unwrap_or_default(),
                to: row.to_words,
                before: row.before_words,
                at: row.at,
                state,
                rolls_back: row.rolls_back_id,
                is_reversible,
                created_by_name: row.created_by_name,
                created_at: row.created_at,
                ended_at: row.done_at.or(row.cancelled_at),
            };
            Some(Row { shown, of, to, before })
        })
        .collect())
}
