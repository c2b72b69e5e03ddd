//! All SQL on versions, aliases, cut-overs and brown-outs.

use super::names::{Name, Names, Node};
use crate::db::{SystemTx, Tx};
use contract::Timestamp;
use contract::api::lifecycle::{BrownOut, ModelVersion};
use contract::id::{AliasId, BrownOutId, DeploymentId, ModelId, ModelVersionId};
use contract::snapshot::{
    AliasRecord, BrownOut as BrownOutRecord, BrownOutAnswer, CutOver, Lead, Life, Lifecycle,
    VersionLife,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Nobody else changes a name, or what one may lead to, until the transaction ends.
pub async fn lock(tx: &mut SystemTx) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('model names', 0))")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A lead as it is stored: model, alias, label; a model that leads to itself has none.
pub(super) fn stored(lead: &Lead) -> (Option<Uuid>, Option<Uuid>, String) {
    match lead {
        Lead::Model { id, version } => (Some(id.0), None, version.clone().unwrap_or_default()),
        Lead::Alias { id } => (None, Some(id.0), String::new()),
    }
}

pub(super) fn lead(
    model: Option<ModelId>,
    alias: Option<AliasId>,
    version: String,
) -> Option<Lead> {
    let version = Some(version).filter(|label| !label.is_empty());
    let of_model = |id| Lead::Model { id, version };
    model.map(of_model).or_else(|| alias.map(|id| Lead::Alias { id }))
}

/// The lead of a model's own name.
fn own_lead(own: ModelId, to: Option<ModelId>, version: String) -> Option<Lead> {
    let is_own = to.is_none() && version.is_empty();
    (!is_own).then(|| lead(Some(to.unwrap_or(own)), None, version))?
}

/// Every name, with where it leads and is to lead.
pub async fn names(tx: &mut SystemTx) -> sqlx::Result<Names> {
    let mut versions = labels(tx).await?;
    let mut next = pending(tx).await?;
    let models = sqlx::query!(
        r#"select id as "id: ModelId", name, state as "state: Lifecycle",
             lead_id as "lead_id: ModelId", lead_version
           from models order by name"#
    )
    .fetch_all(tx.conn())
    .await?;
    let aliases = sqlx::query!(
        r#"select id as "id: AliasId", name, lead_model_id as "lead_model_id: ModelId",
             lead_alias_id as "lead_alias_id: AliasId", lead_version
           from model_aliases order by name"#
    )
    .fetch_all(tx.conn())
    .await?;
    let models = models.into_iter().map(|row| Name {
        node: Node::Model(row.id),
        text: row.name,
        lead: own_lead(row.id, row.lead_id, row.lead_version),
        next: next.remove(&Node::Model(row.id)),
        state: Some(row.state),
        versions: versions.remove(&row.id).unwrap_or_default(),
    });
    let mut all: Vec<Name> = models.collect();
    all.extend(aliases.into_iter().map(|row| Name {
        node: Node::Alias(row.id),
        text: row.name,
        lead: lead(row.lead_model_id, row.lead_alias_id, row.lead_version),
        next: next.remove(&Node::Alias(row.id)),
        state: None,
        versions: Vec::new(),
    }));
    Ok(Names::of(all))
}

async fn labels(tx: &mut SystemTx) -> sqlx::Result<HashMap<ModelId, Vec<(String, Lifecycle)>>> {
    let rows = sqlx::query!(
        r#"select model_id as "model_id: ModelId", label, state as "state: Lifecycle"
           from model_versions order by label"#
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_model: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        by_model.entry(row.model_id).or_default().push((row.label, row.state));
    }
    Ok(by_model)
}

/// What is scheduled, by what it is of.
async fn pending(tx: &mut SystemTx) -> sqlx::Result<HashMap<Node, (Timestamp, Lead)>> {
    let rows = sqlx::query!(
        r#"select model_id as "model_id: ModelId", alias_id as "alias_id: AliasId", at,
             to_model_id as "to_model_id: ModelId", to_alias_id as "to_alias_id: AliasId",
             to_version
           from model_cut_overs where done_at is null and cancelled_at is null"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let node = row.model_id.map(Node::Model).or_else(|| row.alias_id.map(Node::Alias))?;
            Some((node, (row.at, lead(row.to_model_id, row.to_alias_id, row.to_version)?)))
        })
        .collect())
}

/// Says where a name leads from now on.
pub async fn set_lead(tx: &mut SystemTx, of: Node, to: &Lead) -> sqlx::Result<()> {
    let (model, alias, version) = stored(to);
    match of {
        Node::Model(id) => {
            let other = model.filter(|other| *other != id.0);
            sqlx::query!(
                "update models set lead_id = $2, lead_version = $3, version = version + 1
                 where id = $1",
                id.0,
                other,
                version,
            )
            .execute(tx.conn())
            .await?;
        }
        Node::Alias(id) => {
            sqlx::query!(
                "update model_aliases set lead_model_id = $2, lead_alias_id = $3,
                   lead_version = $4, version = version + 1
                 where id = $1",
                id.0,
                model,
                alias,
                version,
            )
            .execute(tx.conn())
            .await?;
        }
    }
    Ok(())
}

/// What gateways know of the life of models: of those named, or of all.
pub async fn lives(
    tx: &mut SystemTx,
    ids: Option<&[Uuid]>,
) -> sqlx::Result<HashMap<ModelId, Life>> {
    let mut next = pending(tx).await?;
    let mut versions: HashMap<ModelId, Vec<VersionLife>> = HashMap::new();
    for one in select_versions(tx, ids, None).await? {
        if one.state != Lifecycle::Draft {
            versions.entry(one.model_id).or_default().push(VersionLife {
                label: one.label,
                state: one.state,
                deprecated_at: one.deprecated_at,
                sunset_at: one.sunset_at,
            });
        }
    }
    let mut brown_outs: HashMap<ModelId, Vec<BrownOutRecord>> = HashMap::new();
    for one in open_brown_outs(tx, ids).await? {
        brown_outs.entry(one.model_id).or_default().push(brown_out_record(&one));
    }
    let rows = sqlx::query!(
        r#"select id as "id: ModelId", deprecated_at, sunset_at,
             successor_id as "successor_id: ModelId", lead_id as "lead_id: ModelId", lead_version
           from models where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let life = Life {
                deprecated_at: row.deprecated_at,
                sunset_at: row.sunset_at,
                successor_id: row.successor_id,
                lead: own_lead(row.id, row.lead_id, row.lead_version),
                next: next.remove(&Node::Model(row.id)).map(|(at, lead)| CutOver { at, lead }),
                versions: versions.remove(&row.id).unwrap_or_default(),
                brown_outs: brown_outs.remove(&row.id).unwrap_or_default(),
            };
            (row.id, life)
        })
        .collect())
}

/// A brown-out as gateways know it.
pub(crate) fn brown_out_record(one: &BrownOut) -> BrownOutRecord {
    BrownOutRecord {
        id: one.id,
        from: one.starts_at,
        until: one.ends_at,
        percent: one.percent,
        answer: one.answer,
    }
}

/// Aliases as gateways know them.
pub async fn alias_records(
    tx: &mut SystemTx,
    ids: Option<&[Uuid]>,
) -> sqlx::Result<Vec<AliasRecord>> {
    let mut next = pending(tx).await?;
    let rows = sqlx::query!(
        r#"select id as "id: AliasId", name, lead_model_id as "lead_model_id: ModelId",
             lead_alias_id as "lead_alias_id: AliasId", lead_version, created_at
           from model_aliases where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let next = next.remove(&Node::Alias(row.id));
            Some(AliasRecord {
                id: row.id,
                name: row.name,
                lead: lead(row.lead_model_id, row.lead_alias_id, row.lead_version)?,
                next: next.map(|(at, lead)| CutOver { at, lead }),
                created_at: row.created_at,
            })
        })
        .collect())
}

pub async fn insert_version(tx: &mut SystemTx, new: &ModelVersion) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into model_versions (id, model_id, label, state, created_at, version)
         values ($1, $2, $3, $4, $5, $6)",
        new.id.0,
        new.model_id.0,
        new.label,
        new.state.as_str(),
        new.created_at,
        new.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update_version(tx: &mut SystemTx, one: &ModelVersion) -> sqlx::Result<()> {
    sqlx::query!(
        "update model_versions set state = $2, deprecated_at = $3, sunset_at = $4, version = $5
         where id = $1",
        one.id.0,
        one.state.as_str(),
        one.deprecated_at,
        one.sunset_at,
        one.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find_version_for_update(
    tx: &mut SystemTx,
    id: ModelVersionId,
) -> sqlx::Result<Option<ModelVersion>> {
    sqlx::query!("select id from model_versions where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(select_versions(tx, None, Some(id)).await?.pop())
}

/// The versions of `models`, oldest first.
pub async fn versions_of(
    tx: &mut SystemTx,
    models: &[Uuid],
) -> sqlx::Result<HashMap<ModelId, Vec<ModelVersion>>> {
    let mut by_model: HashMap<ModelId, Vec<ModelVersion>> = HashMap::new();
    for one in select_versions(tx, Some(models), None).await? {
        by_model.entry(one.model_id).or_default().push(one);
    }
    Ok(by_model)
}

async fn select_versions(
    tx: &mut SystemTx,
    models: Option<&[Uuid]>,
    id: Option<ModelVersionId>,
) -> sqlx::Result<Vec<ModelVersion>> {
    sqlx::query_as!(
        ModelVersion,
        r#"select id as "id: ModelVersionId", model_id as "model_id: ModelId", label,
             state as "state: Lifecycle", deprecated_at, sunset_at,
             array(select d.id from deployments d where d.model_version_id = v.id order by d.id)
               as "deployment_ids!: Vec<DeploymentId>",
             created_at, version
           from model_versions v
           where ($1::uuid[] is null or model_id = any($1)) and ($2::uuid is null or id = $2)
           order by created_at, id"#,
        models,
        id.map(|id| id.0),
    )
    .fetch_all(tx.conn())
    .await
}

/// The versions whose time is over, until somebody says so.
pub async fn versions_to_retire(tx: &mut SystemTx) -> sqlx::Result<Vec<ModelVersionId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"select id as "id: ModelVersionId" from model_versions
           where state = 'deprecated' and sunset_at <= $1"#,
        now,
    )
    .fetch_all(tx.conn())
    .await
}

/// The models whose time is over, until somebody says so.
pub async fn models_to_retire(tx: &mut SystemTx) -> sqlx::Result<Vec<ModelId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"select id as "id: ModelId" from models
           where state = 'deprecated' and sunset_at <= $1"#,
        now,
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_brown_out(tx: &mut SystemTx, new: &BrownOut) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into model_brown_outs (id, model_id, starts_at, ends_at, percent, answer, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        new.id.0,
        new.model_id.0,
        new.starts_at,
        new.ends_at,
        i16::from(new.percent),
        new.answer.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes one back; as it was.
pub async fn delete_brown_out(tx: &mut SystemTx, id: BrownOutId) -> sqlx::Result<Option<BrownOut>> {
    let row = sqlx::query!(
        r#"delete from model_brown_outs where id = $1
           returning model_id as "model_id: ModelId", starts_at, ends_at, percent,
             answer as "answer: BrownOutAnswer""#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| BrownOut {
        id,
        model_id: row.model_id,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        percent: u8::try_from(row.percent).unwrap_or(100),
        answer: row.answer,
    }))
}

/// Those that are not over, the first in front: of the models named, or of all.
pub async fn open_brown_outs(
    tx: &mut SystemTx,
    models: Option<&[Uuid]>,
) -> sqlx::Result<Vec<BrownOut>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select id as "id: BrownOutId", model_id as "model_id: ModelId", starts_at, ends_at,
             percent, answer as "answer: BrownOutAnswer"
           from model_brown_outs
           where ends_at > $2 and ($1::uuid[] is null or model_id = any($1))
           order by starts_at"#,
        models,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BrownOut {
            id: row.id,
            model_id: row.model_id,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            percent: u8::try_from(row.percent).unwrap_or(100),
            answer: row.answer,
        })
        .collect())
}
