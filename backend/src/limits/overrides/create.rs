//! Sets another maximum for a while.

use super::store::{self, Row};
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OrgCtx, Post, Result};
use crate::limits::{model, store as limits};
use crate::outbox;
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::limits::{CreateLimitOverride, Limit, LimitOverride};
use contract::error::{ErrorCode, FieldError};
use contract::id::{LimitId, LimitOverrideId};
use contract::role::Action;
use contract::snapshot::Kind;

/// Overrides of one limit that are not over at most.
const OPEN_MAX: usize = 20;
/// An override lies in this time from now.
const AHEAD_MAX: TimeDelta = TimeDelta::days(400);
/// Clocks differ: a start so little ago is taken as now.
const PAST_MAX: TimeDelta = TimeDelta::minutes(5);

/// Sets another maximum for a while. What was used stays used; afterwards the limit's own
/// maximum counts again.
#[utoipa::path(post, path = "/v1/orgs/{org}/limits/{limit}/overrides", tag = "limits",
    request_body = CreateLimitOverride, responses((status = 201, body = LimitOverride)))]
pub async fn create_limit_override(
    ctx: OrgCtx,
    At(id): At<LimitId>,
    post: Post<CreateLimitOverride>,
) -> Result<Answer<LimitOverride>> {
    let mut tx = ctx.tenant_tx(Action::EditLimit).await?;
    post.once(&mut tx).await?;
    let limit = limits::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let made = create(&mut tx, &limit, &post.body).await?;
    post.commit(tx, Answer::created(made)).await
}

/// # Errors
/// `request.invalid`; `object.conflict` where another override is in the way.
pub async fn create(
    tx: &mut TenantTx,
    limit: &Limit,
    new: &CreateLimitOverride,
) -> Result<LimitOverride> {
    let mut check = Check::new();
    let max = check.take(model::amount("", limit.metric, new.max, new.max_usd));
    let reason = check.line("/reason", &new.reason, 1..=200);
    let (starts_at, ends_at) = check.take(times(new, tx.now()));
    check.done()?;
    let clash =
        limit.overrides.iter().find(|one| starts_at < one.ends_at && one.starts_at < ends_at);
    if let Some(other) = clash {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!(
                "There is an override from {} to {} ({}). Overrides of a limit do not overlap: \
                 end that one, or choose another time.",
                other.starts_at.format("%FT%TZ"),
                other.ends_at.format("%FT%TZ"),
                other.id
            ),
        ));
    }
    if limit.overrides.len() >= OPEN_MAX {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!("The limit has {OPEN_MAX} overrides that are not over. End one of them first."),
        ));
    }
    let row = Row {
        id: tx.new_id(LimitOverrideId::new),
        limit_id: limit.id,
        max,
        starts_at,
        ends_at,
        reason: reason.to_owned(),
        created_by_name: tx.actor().name.clone(),
        created_at: tx.now(),
    };
    store::insert(tx, &row).await?;
    outbox::push(tx, Kind::Limit, limit.id).await?;
    let made = row.shown(limit.metric);
    let entry = Entry::new("create_limit_override", "limit", limit.id).after(&made);
    audit::record(tx, entry).await?;
    Ok(made)
}

/// From when until when.
fn times(
    new: &CreateLimitOverride,
    now: Timestamp,
) -> std::result::Result<(Timestamp, Timestamp), FieldError> {
    let starts_at = new.starts_at.unwrap_or(now);
    let blame = |pointer: &str, detail: &str| Err(FieldError::new(pointer, detail));
    if starts_at < now - PAST_MAX {
        return blame("/starts_at", "it lies in the past; leave it out to start now");
    }
    let starts_at = starts_at.max(now);
    if new.ends_at <= starts_at {
        return blame("/ends_at", "it has to end after it starts, and after now");
    }
    if new.ends_at > now + AHEAD_MAX {
        return blame(
            "/ends_at",
            "use an instant in the next 400 days, or change the limit itself",
        );
    }
    Ok((starts_at, new.ends_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_has_an_end_that_lies_ahead() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let of = |starts: i64, ends: i64| {
            let new = CreateLimitOverride {
                max: Some(1),
                max_usd: None,
                starts_at: Some(now + TimeDelta::minutes(starts)),
                ends_at: now + TimeDelta::minutes(ends),
                reason: "Launch".into(),
            };
            times(&new, now).map_err(|error| error.pointer)
        };
        assert_eq!(of(-4, 10), Ok((now, now + TimeDelta::minutes(10))));
        assert_eq!(of(-6, 10), Err("/starts_at".into()));
        assert_eq!(of(10, 10), Err("/ends_at".into()));
        assert_eq!(of(-4, -1), Err("/ends_at".into()));
        assert_eq!(of(0, 400 * 24 * 60 + 1), Err("/ends_at".into()));
    }
}
