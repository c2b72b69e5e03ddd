//! All SQL on whose apps called a model, and on what their people were told.

use crate::db::{SystemTx, TenantTx, Tx};
use crate::http::PageQuery;
use chrono::{DurationRound as _, TimeDelta};
use contract::Timestamp;
use contract::api::lifecycle::{AffectedApp, AppDeprecation, NoticeStep, Told};
use contract::id::{AppId, ModelId, OrgId};
use contract::role::{Action, Role};
use contract::snapshot::Lifecycle;
use std::collections::HashMap;
use uuid::Uuid;

/// How far back calls count.
const LATELY: TimeDelta = TimeDelta::days(30);

/// The first day whose sums count.
fn since(now: Timestamp) -> Timestamp {
    let from = now - LATELY;
    from.duration_trunc(TimeDelta::days(1)).unwrap_or(from)
}

/// The apps that called a model lately, the latest first, without what they were told.
pub async fn affected(
    tx: &mut SystemTx,
    model: ModelId,
    page: &PageQuery,
) -> sqlx::Result<Vec<AffectedApp>> {
    let from = since(tx.now());
    let rows = sqlx::query!(
        r#"select u.org_id as "org_id!: OrgId", o.slug, o.name as org_name,
             u.app_id as "app_id!: AppId", a.name as app_name, u.requests as "requests!",
             u.last_at as "last_at!"
           from (select org_id, app_id, sum(requests)::bigint as requests, max(newest_at) as last_at
                 from usage_days where model_id = $1 and day >= $2 group by org_id, app_id) u
           join apps a on a.id = u.app_id and a.org_id = u.org_id
           join orgs o on o.id = u.org_id
           where $3::timestamptz is null or (u.last_at, u.app_id) < ($3, $4)
           order by u.last_at desc, u.app_id desc limit $5"#,
        model.0,
        from,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AffectedApp {
            org_id: row.org_id,
            org_slug: row.slug,
            org_name: row.org_name,
            app_id: row.app_id,
            app_name: row.app_name,
            requests: row.requests,
            last_at: row.last_at,
            told: Vec::new(),
        })
        .collect())
}

/// What was told of a model to the people of each of `apps`, each step when it was told last, the
/// oldest first.
pub async fn told(
    tx: &mut SystemTx,
    model: ModelId,
    apps: &[Uuid],
) -> sqlx::Result<HashMap<AppId, Vec<Told>>> {
    let rows = sqlx::query!(
        r#"select app_id as "app_id: AppId", step as "step: NoticeStep", max(told_at) as "told_at!"
           from model_notices where model_id = $1 and app_id = any($2)
           group by app_id, step order by 3, step"#,
        model.0,
        apps,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_app: HashMap<AppId, Vec<Told>> = HashMap::new();
    for row in rows {
        by_app.entry(row.app_id).or_default().push(Told { step: row.step, at: row.told_at });
    }
    Ok(by_app)
}

/// An app whose people are to be told of a step now.
#[derive(Debug)]
pub struct ToTell {
    pub org_id: OrgId,
    pub app_name: String,
}

/// Takes some apps whose people were not told of a step of a model: nobody takes them again.
pub async fn take(
    tx: &mut SystemTx,
    model: ModelId,
    step: NoticeStep,
    about: Timestamp,
    apps_max: i64,
) -> sqlx::Result<Vec<ToTell>> {
    let (now, from) = (tx.now(), since(tx.now()));
    sqlx::query_as!(
        ToTell,
        r#"with taken as (
             insert into model_notices (org_id, app_id, model_id, step, about, told_at)
             select distinct a.org_id, a.id, $1::uuid, $2, $3::timestamptz, $4::timestamptz
             from usage_days u join apps a on a.id = u.app_id and a.org_id = u.org_id
             where u.model_id = $1 and u.day >= $5
               and not exists (select from model_notices n where n.model_id = $1
                 and n.app_id = a.id and n.step = $2 and n.about = $3)
             order by a.org_id, a.id limit $6
             on conflict do nothing
             returning org_id, app_id)
           select taken.org_id as "org_id: OrgId", a.name as app_name
           from taken join apps a on a.id = taken.app_id
           order by taken.org_id, a.name"#,
        model.0,
        step.as_str(),
        about,
        now,
        from,
        apps_max,
    )
    .fetch_all(tx.conn())
    .await
}

/// An org's slug and name, and the addresses of those of its members who may change its apps.
pub async fn audience(
    tx: &mut SystemTx,
    org: OrgId,
) -> sqlx::Result<Option<(String, String, Vec<String>)>> {
    let roles = Role::ALL.into_iter().filter(|role| role.may(Action::EditApp));
    let roles: Vec<String> = roles.map(|role| role.as_str().to_owned()).collect();
    let row = sqlx::query!(
        r#"select slug, name, array(
             select email from people join memberships m on m.person_id = people.id
             where m.org_id = orgs.id and m.role = any($2) and people.disabled_at is null
             order by email) as "emails!"
           from orgs where id = $1"#,
        org.0,
        &roles,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.slug, row.name, row.emails)))
}

/// The models that go away or are gone and that an app called lately, the first to end in front.
pub async fn deprecations(tx: &mut TenantTx, app: AppId) -> sqlx::Result<Vec<AppDeprecation>> {
    let (org, from) = (tx.org_id(), since(tx.now()));
    let rows = sqlx::query!(
        r#"select m.id as "model_id: ModelId", m.name, m.state as "state: Lifecycle",
             m.deprecated_at, m.sunset_at, s.name as "successor?", u.requests as "requests!",
             u.last_at as "last_at!"
           from (select model_id, sum(requests)::bigint as requests, max(newest_at) as last_at
                 from usage_days where org_id = $1 and app_id = $2 and day >= $3
                 group by model_id) u
           join models m on m.id = u.model_id left join models s on s.id = m.successor_id
           where m.state in ('deprecated', 'retired')
           order by m.sunset_at nulls last, m.name"#,
        org.0,
        app.0,
        from,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AppDeprecation {
            model_id: row.model_id,
            model_name: row.name,
            state: row.state,
            deprecated_at: row.deprecated_at,
            sunset_at: row.sunset_at,
            successor: row.successor,
            requests: row.requests,
            last_at: row.last_at,
        })
        .collect())
}

/// The models of which there may be something to tell.
pub async fn models_to_tell_of(tx: &mut SystemTx) -> sqlx::Result<Vec<ModelId>> {
    let from = since(tx.now());
    sqlx::query_scalar!(
        r#"select id as "id: ModelId" from models
           where state = 'deprecated' or retired_at > $1
             or id in (select model_id from model_cut_overs
               where done_at is null and cancelled_at is null)"#,
        from,
    )
    .fetch_all(tx.conn())
    .await
}
