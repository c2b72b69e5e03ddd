//! Every limit on a call, whoever set it, and how each stands.

use super::model::{shown, without_redis};
use super::used::{self, Asked, Whose};
use super::{plans, store};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, OrgCtx, Result};
use crate::usage::report::asked::{id, read};
use axum::extract::FromRequestParts;
use contract::Timestamp;
use contract::api::limits::{EffectiveLimit, EffectiveLimits, Limit};
use contract::error::FieldError;
use contract::id::{AppId, KeyId, LimitId, ModelId, OrgId, SubscriptionId, TeamId};
use contract::money::{Nanos, Usd};
use contract::role::Action;
use contract::snapshot::{LimitRecord, LimitScope, Metric, Override, Tag};
use http::request::Parts;

/// Which limits are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    app: Option<AppId>,
    key: Option<KeyId>,
    model: Option<ModelId>,
    tag: Option<Tag>,
    id: Option<LimitId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut errors = Vec::new();
        let filter = Self {
            app: read(parts, "app", id, &mut errors),
            key: read(parts, "key", id, &mut errors),
            model: read(parts, "model", id, &mut errors),
            tag: read(parts, "tag", tag, &mut errors),
            id: read(parts, "id", id, &mut errors),
        };
        if errors.is_empty() { Ok(filter) } else { Err(ApiError::invalid(errors)) }
    }
}

fn tag(text: &str) -> std::result::Result<Tag, String> {
    let mut tags = Vec::new();
    Tag::read(text, &mut tags).map_err(|fault| format!("{fault}."))?;
    tags.pop().filter(|_| tags.is_empty()).ok_or_else(|| "Give one tag, as name=value.".to_owned())
}

/// The limits on a call of `app` or `key`, of the organisation and of the app's plans, and how
/// each stands. `model` and `tag` leave out those of other models and tags. Without app and key:
/// all that the organisation has set.
#[utoipa::path(get, path = "/v1/orgs/{org}/limits/effective", tag = "limits",
    params(("app" = Option<AppId>, Query), ("key" = Option<KeyId>, Query),
        ("model" = Option<ModelId>, Query), ("tag" = Option<String>, Query),
        ("id" = Option<LimitId>, Query)),
    responses((status = 200, body = EffectiveLimits)))]
pub async fn list_effective_limits(ctx: OrgCtx, filter: Filter) -> Result<Answer<EffectiveLimits>> {
    let mut tx = ctx.tenant_tx(Action::ViewUsage).await?;
    let now = tx.now();
    let org = tx.org_id();
    let subjects = Subjects::find(&mut tx, &filter).await?;
    let rows = applying(&mut tx, org, &filter, subjects.as_ref()).await?;
    let asked: Vec<Asked<'_>> = rows.iter().map(|row| row.asked(subjects.as_ref())).collect();
    let counted = used::counted(ctx.app(), org, &asked, now).await;
    let mut items = Vec::with_capacity(rows.len());
    for ((row, asked), counted) in rows.iter().zip(&asked).zip(counted) {
        let used = match counted {
            Some(used) => Some(used),
            None => used::recorded(&mut tx, asked, now).await?,
        };
        items.push(row.standing(used, counted.is_some(), now));
    }
    if subjects.is_some() {
        bind(&mut items, &filter);
    }
    Ok(Answer::ok(EffectiveLimits { at: now, items }))
}

/// Whose call it would be.
#[derive(Debug)]
struct Subjects {
    team: TeamId,
    app: AppId,
    key: Option<KeyId>,
}

impl Subjects {
    async fn find(tx: &mut TenantTx, filter: &Filter) -> Result<Option<Self>> {
        if filter.app.is_none() && filter.key.is_none() {
            return Ok(None);
        }
        let (app, key) = (filter.app.map(|id| id.0), filter.key.map(|id| id.0));
        let found = sqlx::query!(
            r#"select apps.id as "app: AppId", apps.team_id as "team: TeamId"
               from apps left join api_keys on api_keys.app_id = apps.id and api_keys.id = $2
               where ($1::uuid is null or apps.id = $1) and ($2::uuid is null or api_keys.id = $2)"#,
            app,
            key,
        )
        .fetch_optional(tx.conn())
        .await?;
        let name = if key.is_some() { "?key" } else { "?app" };
        let none = || FieldError::new(name, "The organisation has no such app with such a key.");
        let found = found.ok_or_else(|| ApiError::invalid(vec![none()]))?;
        Ok(Some(Self { team: found.team, app: found.app, key: filter.key }))
    }

    fn meets(&self, scope: LimitScope) -> bool {
        match scope {
            LimitScope::Org(_) | LimitScope::Plan(_) => true,
            LimitScope::Team(id) => id == self.team,
            LimitScope::App(id) => id == self.app,
            LimitScope::Key(id) => self.key.is_none_or(|key| key == id),
        }
    }
}

/// A limit that may stand in a call's way.
struct Row {
    record: LimitRecord,
    scope_name: String,
    model_name: Option<String>,
    subscription_id: Option<SubscriptionId>,
}

/// The org's own limits, then those of the app's plans.
async fn applying(
    tx: &mut TenantTx,
    org: OrgId,
    filter: &Filter,
    subjects: Option<&Subjects>,
) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> =
        store::all(tx).await?.into_iter().rev().map(|limit| Row::own(org, limit)).collect();
    if let Some(subjects) = subjects {
        let keys = keys_of(tx, subjects.app).await?;
        rows.retain(|row| {
            subjects.meets(row.record.scope)
                && !matches!(row.record.scope, LimitScope::Key(id) if !keys.contains(&id))
        });
        let brought = plans::of_app(tx, subjects.app, filter.model).await?;
        rows.extend(brought.into_iter().map(|one| Row {
            record: one.record,
            scope_name: one.plan_name,
            model_name: one.model_name,
            subscription_id: Some(one.subscription_id),
        }));
    }
    rows.retain(|row| {
        let record = &row.record;
        let model =
            record.model_id.is_none() || filter.model.is_none_or(|m| record.model_id == Some(m));
        let tag = record.tag.is_none() || filter.tag.is_none() || record.tag == filter.tag;
        model && tag && filter.id.is_none_or(|id| record.id == id)
    });
    Ok(rows)
}

async fn keys_of(tx: &mut TenantTx, app: AppId) -> sqlx::Result<Vec<KeyId>> {
    sqlx::query_scalar!(r#"select id as "id: KeyId" from api_keys where app_id = $1"#, app.0)
        .fetch_all(tx.conn())
        .await
}

impl Row {
    fn own(org: OrgId, limit: Limit) -> Self {
        let amount =
            |max: Option<i64>, usd: Option<Usd>| max.or(usd.map(|usd| usd.0.0)).unwrap_or(0);
        let much = (limit.metric, limit.window, amount(limit.max, limit.max_usd));
        let overrides = limit.overrides.iter().map(|one| Override {
            max: amount(one.max, one.max_usd),
            from: one.starts_at,
            until: one.ends_at,
        });
        Self {
            record: LimitRecord {
                sliding: limit.sliding,
                zone: limit.time_zone,
                model_id: limit.model_id,
                tag: limit.tag,
                overrides: overrides.collect(),
                without_redis: without_redis(i16::from(limit.without_redis_percent)),
                ..LimitRecord::new(limit.id, Some(org), limit.scope, much)
            },
            scope_name: limit.scope_name,
            model_name: limit.model_name,
            subscription_id: None,
        }
    }

    fn asked(&self, subjects: Option<&Subjects>) -> Asked<'_> {
        let subject = match (self.record.scope, self.subscription_id) {
            (LimitScope::Org(id), _) => id.to_string(),
            (LimitScope::Team(id), _) => id.to_string(),
            (LimitScope::App(id), _) => id.to_string(),
            (LimitScope::Key(id), _) => id.to_string(),
            (LimitScope::Plan(_), Some(id)) => id.to_string(),
            (LimitScope::Plan(id), None) => id.to_string(),
        };
        let mut whose = Whose::of(self.record.scope);
        if matches!(self.record.scope, LimitScope::Plan(_)) {
            whose.app = subjects.map(|subjects| subjects.app.0);
        }
        Asked { limit: &self.record, subject, whose }
    }

    fn standing(&self, used: Option<i64>, exact: bool, now: Timestamp) -> EffectiveLimit {
        let record = &self.record;
        let (max, _) = record.max_at(now);
        let remaining = used.map(|used| max.saturating_sub(used).max(0));
        let (shown_max, max_usd) = shown(record.metric, max);
        let split = |amount: Option<i64>| match record.metric {
            Metric::Money => (None, amount.map(|nanos| Usd(Nanos(nanos)))),
            _ => (amount, None),
        };
        let ((used_count, used_usd), (left, left_usd)) = (split(used), split(remaining));
        let resets = (!record.sliding).then(|| record.bounds(now).1);
        EffectiveLimit {
            id: record.id,
            kind: record.kind,
            scope: record.scope,
            scope_name: self.scope_name.clone(),
            subscription_id: self.subscription_id,
            metric: record.metric,
            window: record.window,
            sliding: record.sliding,
            time_zone: record.zone,
            model_id: record.model_id,
            model_name: self.model_name.clone(),
            tag: record.tag.clone(),
            max: shown_max,
            max_usd,
            is_overridden: record.overrides.iter().any(|one| one.from <= now && now < one.until),
            used: used_count,
            used_usd,
            remaining: left,
            remaining_usd: left_usd,
            used_percent: used.map(|used| percent(used, max)),
            resets_at: resets.and_then(|end| Timestamp::from_timestamp(end, 0)),
            exact,
            binds: false,
        }
    }
}

fn percent(used: i64, max: i64) -> u8 {
    if used >= max {
        return 100;
    }
    let hundredths = i128::from(used.max(0)) * 100 / i128::from(max.max(1));
    u8::try_from(hundredths).unwrap_or(100)
}

/// The part that is used, finer than hundredths: small use of large limits differs too.
fn part(one: &EffectiveLimit) -> i128 {
    let amount = |count: Option<i64>, usd: Option<Usd>| count.or(usd.map(|usd| usd.0.0));
    let used = amount(one.used, one.used_usd).unwrap_or(0);
    let max = amount(one.max, one.max_usd).unwrap_or(0);
    share(used, max)
}

/// In billionths of a billionth; all of it where nothing is left.
fn share(used: i64, max: i64) -> i128 {
    const WHOLE: i128 = 1_000_000_000_000_000_000;
    if used >= max {
        return WHOLE;
    }
    i128::from(used.max(0)) * WHOLE / i128::from(max.max(1))
}

/// Marks the limit that a call meets first: the one with the greatest part used, and of those
/// the one that lasts longest.
fn bind(items: &mut [EffectiveLimit], filter: &Filter) {
    let told = |one: &EffectiveLimit| {
        (one.model_id.is_none() || one.model_id == filter.model)
            && (one.tag.is_none() || one.tag == filter.tag)
            && !matches!(one.scope, LimitScope::Key(id) if filter.key != Some(id))
    };
    let lasts = |one: &EffectiveLimit| one.resets_at.unwrap_or(Timestamp::MAX_UTC);
    let binding = items
        .iter_mut()
        .filter(|one| told(one) && one.used_percent.is_some())
        .max_by_key(|one| (part(one), lasts(one)));
    if let Some(one) = binding {
        one.binds = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_full_at_its_maximum_and_not_before() {
        assert_eq!(percent(0, 10), 0);
        assert_eq!(percent(999, 1_000), 99);
        assert_eq!(percent(1_000, 1_000), 100);
        assert_eq!(percent(0, 0), 100, "a suspended limit has nothing left");
        assert_eq!(percent(i64::MAX - 1, i64::MAX), 99);
        assert_eq!(percent(5, i64::MAX), 0);
    }

    #[test]
    fn of_two_hardly_used_limits_the_smaller_is_the_fuller() {
        let dollars = |n: i64| n * 1_000_000_000;
        assert!(share(100_050, dollars(100)) > share(100_050, dollars(1_000)));
        assert!(share(i64::MAX - 1, i64::MAX) < share(5, 5));
        assert_eq!(share(0, 0), share(7, 5));
        assert_eq!(share(-3, 10), 0);
    }

    #[test]
    fn one_tag_is_asked_for_at_a_time() {
        assert_eq!(tag("feature=search").unwrap().to_string(), "feature=search");
        assert!(tag("a=1,b=2").is_err() && tag("feature").is_err() && tag(",").is_err());
    }
}
