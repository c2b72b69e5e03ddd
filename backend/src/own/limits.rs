//! The limits that a key's calls may meet, and how much of each is used in its window now.

use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use crate::http::Result;
use crate::http::key_ctx::KeyCtx;
use crate::limits::used::{self, Asked, Whose};
use crate::publish::load;
use contract::Timestamp;
use contract::api::own::LimitUse;
use contract::id::{OrgId, PlanId, SubscriptionId, TeamId};
use contract::money::{Nanos, Usd};
use contract::snapshot::{Kind, LimitRecord, LimitScope, Metric, Record, Window};
use uuid::Uuid;

/// A limit, and whose use of it is counted together.
#[derive(Debug)]
pub struct Applying {
    limit: LimitRecord,
    subject: String,
}

/// Every limit that a call of the key may meet.
///
/// # Errors
/// Postgres refused.
pub async fn applying(tx: &mut SystemTx, ctx: &KeyCtx) -> Result<Vec<Applying>> {
    let team = sqlx::query_scalar!(
        r#"select team_id as "team_id: TeamId" from apps where id = $1"#,
        ctx.app_id.0,
    )
    .fetch_one(tx.conn())
    .await?;
    let subscribed = sqlx::query!(
        r#"select id as "id: SubscriptionId", plan_id as "plan_id: PlanId" from subscriptions
           where app_id = $1 and state = 'active'"#,
        ctx.app_id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    let plans: Vec<Uuid> = subscribed.iter().map(|row| row.plan_id.0).collect();
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from limits where org_id = $1 and scope_id in ($1, $2, $3, $4)
           union all select limit_id from wallets where org_id = $1
           union all select id from plan_limits where plan_id = any($5)"#,
        ctx.org.0,
        team.0,
        ctx.app_id.0,
        ctx.key.0,
        &plans,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut applying = Vec::new();
    for record in load::records(tx, Kind::Limit, Some(&ids)).await? {
        let Record::Limit(limit) = record else { continue };
        match limit.scope {
            LimitScope::Plan(plan) => {
                applying.extend(
                    subscribed
                        .iter()
                        .filter(|row| row.plan_id == plan)
                        .map(|row| Applying { limit: limit.clone(), subject: row.id.to_string() }),
                );
            }
            LimitScope::Org(id) => applying.push(Applying { subject: id.to_string(), limit }),
            LimitScope::Team(id) => applying.push(Applying { subject: id.to_string(), limit }),
            LimitScope::App(id) => applying.push(Applying { subject: id.to_string(), limit }),
            LimitScope::Key(id) => applying.push(Applying { subject: id.to_string(), limit }),
        }
    }
    Ok(applying)
}

/// How much of each is used, by the count that gateways draw on; those with the least left first.
pub async fn used(app: &App, org: OrgId, applying: &[Applying], now: Timestamp) -> Vec<LimitUse> {
    let asked: Vec<Asked<'_>> = applying
        .iter()
        .map(|one| Asked {
            limit: &one.limit,
            subject: one.subject.clone(),
            whose: Whose::of(one.limit.scope),
        })
        .collect();
    let counted = used::counted(app, org, &asked, now).await;
    let both = applying.iter().zip(counted);
    let mut uses: Vec<(i64, LimitUse)> =
        both.map(|(one, counted)| shown(&one.limit, counted, now)).collect();
    uses.sort_by_key(|(share, _)| *share);
    uses.into_iter().map(|(_, shown)| shown).collect()
}

/// The limit as people see it, and how many millionths of it are left, to sort by.
fn shown(limit: &LimitRecord, used: Option<i64>, now: Timestamp) -> (i64, LimitUse) {
    let (max, _) = limit.max_at(now);
    let remaining = used.map(|used| max.saturating_sub(used).max(0));
    let (_, end) = limit.bounds(now);
    let ends = limit.window != Window::Lifetime && !limit.sliding;
    let money = limit.metric == Metric::Money;
    let count = |amount: Option<i64>| amount.filter(|_| !money);
    let usd = |amount: Option<i64>| amount.filter(|_| money).map(|nanos| Usd(Nanos(nanos)));
    let share = i128::from(remaining.unwrap_or(max)) * 1_000_000 / i128::from(max.max(1));
    let shown = LimitUse {
        id: limit.id,
        kind: limit.kind,
        scope: limit.scope,
        model_id: limit.model_id,
        tag: limit.tag.clone(),
        metric: limit.metric,
        window: limit.window,
        max: count(Some(max)),
        max_usd: usd(Some(max)),
        used: count(used),
        used_usd: usd(used),
        remaining: count(remaining),
        remaining_usd: usd(remaining),
        resets_at: ends.then(|| chrono::DateTime::from_timestamp(end, 0)).flatten(),
    };
    (i64::try_from(share).unwrap_or(i64::MAX), shown)
}
