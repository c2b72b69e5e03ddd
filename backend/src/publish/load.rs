//! Builds snapshot records from current rows. What comes back is what gateways may know; an object
//! that does not come back is gone for them.

use crate::budgets::{self, store::Which};
use crate::db::{SystemTx, Tx as _};
use crate::lifecycle;
use crate::limits::model::without_redis;
use crate::limits::store::zone;
use chrono::TimeDelta;
use contract::id::{
    AliasId, AppId, DeploymentId, IdError, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId,
    ProductId, ProviderId, RouteId, SubscriptionId, TeamId,
};
use contract::key::{KeyEnv, KeyHash};
use contract::money::Rates;
use contract::seal::Sealed;
use contract::snapshot::{
    AliasRecord, AppRecord, Auth, CachePolicy, DeploymentRecord, Dialect, Feature, KeyRecord,
    KeySecret, Kind, Lifecycle, LimitKind, LimitRecord, LimitScope, Metric, Modality, ModelRecord,
    OrgRecord, Override, PlanRecord, PoolPolicy, PriceRecord, ProductKind, ProductRecord,
    ProviderRecord, ProviderSettings, Record, RoutePolicy, RouteRecord, SubscriptionRecord,
    SubscriptionState, Tag, Window,
};
use sqlx::Result;
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// How long a dead key stays known, so that its callers learn why they are refused.
const DEAD_KEY_KEPT: TimeDelta = TimeDelta::days(30);

/// The UUID of an object named in the outbox.
///
/// # Errors
/// The text is not an id of that kind.
pub fn object_uuid(kind: Kind, text: &str) -> std::result::Result<Uuid, IdError> {
    Ok(match kind {
        Kind::Org => text.parse::<OrgId>()?.0,
        Kind::App => text.parse::<AppId>()?.0,
        Kind::Key => text.parse::<KeyId>()?.0,
        Kind::Subscription => text.parse::<SubscriptionId>()?.0,
        Kind::Provider => text.parse::<ProviderId>()?.0,
        Kind::Model => text.parse::<ModelId>()?.0,
        Kind::Deployment => text.parse::<DeploymentId>()?.0,
        Kind::Price => text.parse::<PriceId>()?.0,
        Kind::Product => text.parse::<ProductId>()?.0,
        Kind::Plan => text.parse::<PlanId>()?.0,
        Kind::Limit => text.parse::<LimitId>()?.0,
        Kind::Route => text.parse::<RouteId>()?.0,
        Kind::Alias => text.parse::<AliasId>()?.0,
    })
}

/// The live records of `kind`: those named by `ids`, or all of them.
///
/// # Errors
/// Postgres refused.
pub async fn records(tx: &mut SystemTx, kind: Kind, ids: Option<&[Uuid]>) -> Result<Vec<Record>> {
    Ok(match kind {
        Kind::Org => orgs(tx, ids).await?.into_iter().map(Record::Org).collect(),
        Kind::App => apps(tx, ids).await?.into_iter().map(Record::App).collect(),
        Kind::Key => keys(tx, ids).await?.into_iter().map(Record::Key).collect(),
        Kind::Subscription => {
            subscriptions(tx, ids).await?.into_iter().map(Record::Subscription).collect()
        }
        Kind::Provider => providers(tx, ids).await?.into_iter().map(Record::Provider).collect(),
        Kind::Model => models(tx, ids).await?.into_iter().map(Record::Model).collect(),
        Kind::Deployment => {
            deployments(tx, ids).await?.into_iter().map(Record::Deployment).collect()
        }
        Kind::Price => prices(tx, ids).await?.into_iter().map(Record::Price).collect(),
        Kind::Product => products(tx, ids).await?.into_iter().map(Record::Product).collect(),
        Kind::Plan => plans(tx, ids).await?.into_iter().map(Record::Plan).collect(),
        Kind::Limit => {
            let limits = limits(tx, ids).await?.into_iter();
            limits.chain(wallets(tx, ids).await?).map(Record::Limit).collect()
        }
        Kind::Route => routes(tx, ids).await?.into_iter().map(Record::Route).collect(),
        Kind::Alias => aliases(tx, ids).await?.into_iter().map(Record::Alias).collect(),
    })
}

async fn orgs(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<OrgRecord>> {
    let rows = sqlx::query!(
        r#"select id as "id: OrgId", slug, suspended, purges, allowed_regions from orgs
           where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OrgRecord {
            id: row.id,
            slug: row.slug,
            suspended: row.suspended,
            purges: row.purges.unsigned_abs(),
            allowed_regions: row.allowed_regions,
        })
        .collect())
}

async fn apps(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<AppRecord>> {
    sqlx::query_as!(
        AppRecord,
        r#"select id as "id: AppId", org_id as "org_id: OrgId", team_id as "team_id: TeamId",
             disabled
           from apps where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await
}

async fn keys(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<KeyRecord>> {
    let dead_before = tx.now() - DEAD_KEY_KEPT;
    let rows = sqlx::query!(
        r#"select id as "id: KeyId", org_id as "org_id: OrgId", app_id as "app_id: AppId",
             env as "env: KeyEnv", public_id, secret_hash, expires_at, revoked_at
           from api_keys
           where ($1::uuid[] is null or id = any($1))
             and coalesce(least(revoked_at, expires_at) >= $2, true)"#,
        ids,
        dead_before,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let hash = <[u8; 32]>::try_from(row.secret_hash.as_slice())
                .map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(KeyRecord {
                id: row.id,
                org_id: row.org_id,
                app_id: row.app_id,
                env: row.env,
                public_id: row.public_id,
                secrets: vec![KeySecret { hash: KeyHash(hash), expires_at: None }],
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect()
}

async fn subscriptions(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<SubscriptionRecord>> {
    sqlx::query_as!(
        SubscriptionRecord,
        r#"select id as "id: SubscriptionId", org_id as "org_id: OrgId", app_id as "app_id: AppId",
             product_id as "product_id: ProductId", plan_id as "plan_id: PlanId",
             state as "state: SubscriptionState", expires_at
           from subscriptions
           where ($1::uuid[] is null or id = any($1))
             and state in ('requested', 'active', 'suspended')"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await
}

async fn providers(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<ProviderRecord>> {
    let rows = sqlx::query!(
        r#"select id as "id: ProviderId", slug, base_url, dialect as "dialect: Dialect",
             auth as "auth: Auth", disabled,
             also as "also: Vec<Dialect>", settings as "settings: Json<ProviderSettings>",
             pool as "pool: Json<PoolPolicy>",
             (select sealed from provider_credentials c where c.provider_id = providers.id)
               as "sealed: Json<Sealed>"
           from providers where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ProviderRecord {
            id: row.id,
            slug: row.slug,
            base_url: row.base_url,
            dialect: row.dialect,
            also: row.also,
            auth: row.auth,
            settings: row.settings.0,
            credential: row.sealed.map(|Json(sealed)| sealed),
            disabled: row.disabled,
            pool: row.pool.map(|pool| Box::new(pool.0)),
        })
        .collect())
}

async fn aliases(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<AliasRecord>> {
    lifecycle::store::alias_records(tx, ids).await
}

async fn models(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<ModelRecord>> {
    let mut lives = lifecycle::store::lives(tx, ids).await?;
    let rows = sqlx::query!(
        r#"select id as "id: ModelId", name, modality as "modality: Modality",
             state as "state: Lifecycle", context_tokens_max, output_tokens_max, created_at
           from models where ($1::uuid[] is null or id = any($1)) and state <> 'draft'"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ModelRecord {
            id: row.id,
            name: row.name,
            modality: row.modality,
            state: row.state,
            context_tokens_max: row.context_tokens_max.unsigned_abs(),
            output_tokens_max: row.output_tokens_max.unsigned_abs(),
            created_at: row.created_at,
            life: lives.remove(&row.id).unwrap_or_default(),
        })
        .collect())
}

/// What runs a version that is a draft or retired takes no calls.
async fn deployments(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<DeploymentRecord>> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DeploymentId", d.model_id as "model_id: ModelId",
             d.provider_id as "provider_id: ProviderId", d.upstream_model, d.region, d.weight,
             d.disabled or exists (select from model_versions v
               where v.id = d.model_version_id and v.state in ('draft', 'retired')) as "disabled!",
             d.context_tokens_max, d.lacks,
             (select v.label from model_versions v where v.id = d.model_version_id) as label
           from deployments d
           where $1::uuid[] is null or d.id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeploymentRecord {
            id: row.id,
            model_id: row.model_id,
            provider_id: row.provider_id,
            upstream_model: row.upstream_model,
            region: row.region,
            weight: row.weight.unsigned_abs(),
            disabled: row.disabled,
            context_tokens_max: row.context_tokens_max.unsigned_abs(),
            lacks: row.lacks.iter().filter_map(|word| Feature::parse(word)).collect(),
            version: row.label,
        })
        .collect())
}

/// Those of which a version counts.
async fn routes(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<RouteRecord>> {
    let rows = sqlx::query!(
        r#"select r.id as "id: RouteId", r.model_id as "model_id: ModelId",
             r.org_id as "org_id: OrgId", v.number, v.policy as "policy: Json<RoutePolicy>"
           from routes r join route_versions v on v.route_id = r.id and v.number = r.active
           where $1::uuid[] is null or r.id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RouteRecord {
            id: row.id,
            model_id: row.model_id,
            org_id: row.org_id,
            version: row.number.unsigned_abs(),
            policy: row.policy.0,
        })
        .collect())
}

async fn prices(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<PriceRecord>> {
    let rows = sqlx::query!(
        r#"select id as "id: PriceId", model_id as "model_id: ModelId",
             plan_id as "plan_id: PlanId", effective_from, rates as "rates: Json<Rates>"
           from prices where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PriceRecord {
            id: row.id,
            model_id: row.model_id,
            plan_id: row.plan_id,
            effective_from: row.effective_from,
            rates: row.rates.0,
        })
        .collect())
}

async fn products(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<ProductRecord>> {
    let rows = sqlx::query!(
        r#"select id as "id: ProductId", slug, kind as "kind: ProductKind", purges,
             array(select model_id from product_models m where m.product_id = products.id
                   order by position) as "model_ids!: Vec<ModelId>"
           from products where ($1::uuid[] is null or id = any($1)) and state <> 'draft'"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ProductRecord {
            id: row.id,
            slug: row.slug,
            kind: row.kind,
            model_ids: row.model_ids,
            purges: row.purges.unsigned_abs(),
        })
        .collect())
}

async fn plans(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<PlanRecord>> {
    let rows = sqlx::query!(
        r#"select id as "id: PlanId", product_id as "product_id: ProductId", slug,
             output_tokens_max, cache as "cache: Json<CachePolicy>", priority
           from plans where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PlanRecord {
            id: row.id,
            product_id: row.product_id,
            slug: row.slug,
            output_tokens_max: row.output_tokens_max.map(i32::unsigned_abs),
            cache: row.cache.map(|cache| cache.0).unwrap_or_default(),
            priority: u8::try_from(row.priority).unwrap_or_default(),
        })
        .collect())
}

async fn limits(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<LimitRecord>> {
    let rows = sqlx::query!(
        r#"select id as "id!: LimitId", org_id as "org_id: OrgId", scope_kind as "scope_kind!",
             scope_id as "scope_id!", metric as "metric!: Metric",
             time_window as "window!: Window", sliding as "sliding!", time_zone as "time_zone!",
             model_id as "model_id: ModelId", tag_name, tag_value, max as "max!",
             without_redis_percent as "without_redis_percent!"
           from (select id, org_id, scope_kind, scope_id, metric, time_window, sliding, time_zone,
                   model_id, tag_name, tag_value, max, without_redis_percent from limits
                 union all
                 select id, null, 'plan', plan_id, metric, time_window, sliding, time_zone,
                   model_id, null, null, max, without_redis_percent from plan_limits) all_limits
           where $1::uuid[] is null or id = any($1)"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    // A budget is a limit of money to gateways.
    let which = Which { ids, ..Which::default() };
    let budgets = budgets::store::rows(tx, which).await?;
    let budgets = budgets.iter().filter_map(budgets::model::Row::record).map(Ok);
    let mut overrides = limit_overrides(tx, ids).await?;
    rows.into_iter()
        .map(|row| {
            let scope = match row.scope_kind.as_str() {
                "org" => LimitScope::Org(OrgId(row.scope_id)),
                "team" => LimitScope::Team(TeamId(row.scope_id)),
                "app" => LimitScope::App(AppId(row.scope_id)),
                "key" => LimitScope::Key(KeyId(row.scope_id)),
                "plan" => LimitScope::Plan(PlanId(row.scope_id)),
                other => {
                    return Err(sqlx::Error::Decode(format!("limit scope `{other}`").into()));
                }
            };
            let much = (row.metric, row.window, row.max);
            Ok(LimitRecord {
                without_redis: without_redis(row.without_redis_percent),
                sliding: row.sliding,
                zone: zone(&row.time_zone)?,
                model_id: row.model_id,
                tag: row.tag_name.zip(row.tag_value).map(|(name, value)| Tag { name, value }),
                overrides: overrides.remove(&row.id).unwrap_or_default(),
                ..LimitRecord::new(row.id, row.org_id, scope, much)
            })
        })
        .chain(budgets)
        .collect()
}

/// The limits that prepaid orgs' calls are counted against: all that they may ever cost. See
/// `billing/wallets`.
async fn wallets(tx: &mut SystemTx, ids: Option<&[Uuid]>) -> Result<Vec<LimitRecord>> {
    let rows = sqlx::query!(
        r#"select limit_id as "id: LimitId", org_id as "org_id: OrgId",
             credited_nanos - expired_nanos - uncounted_nanos
               - greatest(floor_nanos, floor_next_nanos)
               - coalesce((select sum(remaining_nanos) from credits
                   where credits.org_id = wallets.org_id and ended_at is not null), 0)::bigint
               as "max!"
           from wallets
           where billing = 'prepaid' and ($1::uuid[] is null or limit_id = any($1))"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LimitRecord {
            kind: LimitKind::Wallet,
            ..LimitRecord::new(
                row.id,
                Some(row.org_id),
                LimitScope::Org(row.org_id),
                (Metric::Money, Window::Lifetime, row.max),
            )
        })
        .collect())
}

/// The overrides that are not over. Gateways switch by their instants, so nothing is published
/// when one begins or ends.
async fn limit_overrides(
    tx: &mut SystemTx,
    limits: Option<&[Uuid]>,
) -> Result<HashMap<LimitId, Vec<Override>>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select limit_id as "limit_id: LimitId", max, starts_at, ends_at
           from limit_overrides
           where ends_at > $2 and ($1::uuid[] is null or limit_id = any($1)) order by starts_at"#,
        limits,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_limit: HashMap<LimitId, Vec<Override>> = HashMap::new();
    for row in rows {
        let one = Override { max: row.max, from: row.starts_at, until: row.ends_at };
        by_limit.entry(row.limit_id).or_default().push(one);
    }
    Ok(by_limit)
}
