//! All SQL on versions of tariffs, months that are rated, and what is posted for them.

use super::Month;
use crate::db::{SystemTx, Tx};
use contract::Timestamp;
use contract::api::billing::LedgerKind;
use contract::id::{OrgId, PlanId};
use contract::money::Nanos;
use contract::rating::Tariff;
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// The versions of a plan that people see.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    pub now: Option<Tariff>,
    /// From when on, and what.
    pub next: Option<(Timestamp, Option<Tariff>)>,
}

impl Versions {
    /// What the plan will have when nothing more is changed.
    #[must_use]
    pub fn last(&self) -> Option<&Tariff> {
        self.next.as_ref().map_or(self.now.as_ref(), |(_, next)| next.as_ref())
    }
}

pub async fn versions_of(
    tx: &mut impl Tx,
    plans: &[Uuid],
) -> sqlx::Result<HashMap<PlanId, Versions>> {
    let now = Month::of(tx.now());
    let rows = sqlx::query!(
        r#"select distinct on (plan_id, effective_from <= $2) plan_id as "plan_id: PlanId",
             effective_from, tariff as "tariff: Json<Tariff>"
           from plan_tariffs where plan_id = any($1)
           order by plan_id, effective_from <= $2, effective_from desc, plan_version desc"#,
        plans,
        now.start(),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut versions: HashMap<PlanId, Versions> = HashMap::new();
    for row in rows {
        let of = versions.entry(row.plan_id).or_default();
        let tariff = row.tariff.map(|tariff| tariff.0);
        if row.effective_from <= now.start() {
            of.now = tariff;
        } else {
            of.next = Some((row.effective_from, tariff));
        }
    }
    // A change that was taken back changes nothing.
    for of in versions.values_mut() {
        of.next = of.next.take().filter(|(_, next)| *next != of.now);
    }
    Ok(versions)
}

/// Writes what the plan has from `month` on.
pub async fn insert(
    tx: &mut SystemTx,
    (plan, version): (PlanId, i64),
    month: Month,
    tariff: Option<&Tariff>,
) -> sqlx::Result<()> {
    let now = tx.now();
    let json = tariff.map(serde_json::to_value).transpose();
    let json = json.map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "insert into plan_tariffs (plan_id, plan_version, effective_from, tariff, created_at)
         values ($1, $2, $3, $4, $5)",
        plan.0,
        version,
        month.start(),
        json,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The plans that have a tariff in `month`.
pub async fn in_force(tx: &mut impl Tx, month: Month) -> sqlx::Result<HashMap<PlanId, Tariff>> {
    let rows = sqlx::query!(
        r#"select id as "id: PlanId", plan_tariff_at(id, $1) as "tariff: Json<Tariff>" from plans
           where id in (select plan_id from plan_tariffs)"#,
        month.start(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.tariff?.0))).collect())
}

/// On how many days of a month the org was subscribed to each plan; on none where it is not listed.
pub async fn days(
    tx: &mut impl Tx,
    org: OrgId,
    plans: &[PlanId],
    month: Month,
) -> sqlx::Result<HashMap<PlanId, u32>> {
    let plans: Vec<Uuid> = plans.iter().map(|plan| plan.0).collect();
    let rows = sqlx::query!(
        r#"select s.plan_id as "plan_id: PlanId", count(distinct day) as "days!"
           from subscriptions s
           cross join generate_series($3::timestamptz, $4::timestamptz - interval '24 hours',
             interval '24 hours') as day
           where s.org_id = $1 and s.plan_id = any($2) and s.state not in ('requested', 'refused')
             and s.created_at < day + interval '24 hours'
             and coalesce(s.ended_at, s.expires_at, 'infinity') > day
           group by s.plan_id"#,
        org.0,
        &plans,
        month.start(),
        month.end(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.plan_id, u32::try_from(row.days).unwrap_or(0))).collect())
}

/// Orgs with marked hours, or with a month that is over and not rated.
pub async fn waiting(tx: &mut SystemTx, months: &[Month]) -> sqlx::Result<Vec<OrgId>> {
    let mut orgs =
        sqlx::query_scalar!(r#"select distinct org_id as "org_id: OrgId" from usage_priced_stale"#)
            .fetch_all(tx.conn())
            .await?;
    for month in months {
        orgs.extend(open(tx, None, *month).await?.into_iter().map(|(org, _)| org));
    }
    orgs.sort_unstable();
    orgs.dedup();
    Ok(orgs)
}

/// Orgs and their plans with a tariff in `month` whose month is not rated.
pub async fn open(
    tx: &mut SystemTx,
    org: Option<OrgId>,
    month: Month,
) -> sqlx::Result<Vec<(OrgId, PlanId)>> {
    let rows = sqlx::query!(
        r#"with plan as materialized (
             select id from plans where id in (select plan_id from plan_tariffs)
               and plan_tariff_at(id, $2) is not null),
           of as (
             select org_id, plan_id from subscriptions s
             where plan_id in (select id from plan) and state not in ('requested', 'refused')
               and created_at < $3 and coalesce(ended_at, expires_at, 'infinity') > $2
             union
             select org_id, plan_id from usage_priced_hours
             where hour >= $2 and hour < $3 and plan_id in (select id from plan))
           select org_id as "org_id!: OrgId", plan_id as "plan_id!: PlanId" from of
           where ($1::uuid is null or org_id = $1)
             and not exists (select from plan_months m where m.org_id = of.org_id
               and m.plan_id = of.plan_id and m.month = $2)
           order by org_id, plan_id"#,
        org.map(|org| org.0),
        month.start(),
        month.end(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.org_id, row.plan_id)).collect())
}

/// The first month that any tariff is in force in.
pub async fn first(tx: &mut SystemTx) -> sqlx::Result<Option<Month>> {
    let first = sqlx::query_scalar!("select min(effective_from) from plan_tariffs")
        .fetch_one(tx.conn())
        .await?;
    Ok(first.map(Month::of))
}

/// Writes that a month is rated, with the days that count for good. One that was rated before stays.
pub async fn insert_month(
    tx: &mut SystemTx,
    (org, plan, month): (OrgId, PlanId, Month),
    days: u32,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into plan_months (org_id, plan_id, month, days, closed_at) values ($1, $2, $3, $4, $5)
         on conflict (org_id, plan_id, month) do nothing",
        org.0,
        plan.0,
        month.start(),
        i16::try_from(days).unwrap_or(0),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A month that is rated.
#[derive(Debug, Clone, Copy)]
pub struct Closed {
    pub org_id: OrgId,
    pub plan_id: PlanId,
    pub month: Month,
    pub days: u32,
    pub closed_at: Timestamp,
}

/// Rated months: of an org, of a month, or all.
pub async fn closed(
    tx: &mut impl Tx,
    org: Option<OrgId>,
    month: Option<Month>,
) -> sqlx::Result<Vec<Closed>> {
    let rows = sqlx::query!(
        r#"select org_id as "org_id: OrgId", plan_id as "plan_id: PlanId", month, days, closed_at
           from plan_months where ($1::uuid is null or org_id = $1)
             and ($2::timestamptz is null or month = $2)
           order by org_id, month, plan_id"#,
        org.map(|org| org.0),
        month.map(Month::start),
    )
    .fetch_all(tx.conn())
    .await?;
    let each = rows.into_iter().map(|row| Closed {
        org_id: row.org_id,
        plan_id: row.plan_id,
        month: Month::of(row.month),
        days: u32::from(row.days.unsigned_abs()),
        closed_at: row.closed_at,
    });
    Ok(each.collect())
}

/// What is posted for a month, of one kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Posted {
    /// What was earned: below zero where it was given back.
    pub nanos: Nanos,
    pub revision: i32,
}

pub async fn posted(
    tx: &mut impl Tx,
    (org, plan, month): (OrgId, PlanId, Month),
    kind: LedgerKind,
) -> sqlx::Result<Posted> {
    sqlx::query_as!(
        Posted,
        r#"select coalesce(-sum(e.amount_nanos) filter (where a.kind = 'revenue'), 0)::bigint
               as "nanos!: Nanos", coalesce(max(t.revision), 0) as "revision!"
           from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
             join ledger_accounts a on a.id = e.account_id
           where t.org_id = $1 and t.plan_id = $2 and t.month = $3 and t.kind = $4"#,
        org.0,
        plan.0,
        month.start(),
        kind.as_str(),
    )
    .fetch_one(tx.conn())
    .await
}

/// What the org owes.
pub async fn owed(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<Nanos> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(e.amount_nanos), 0)::bigint as "owed!: Nanos"
           from ledger_entries e join ledger_accounts a on a.id = e.account_id
           where a.org_id = $1 and a.kind = 'receivable'"#,
        org.0,
    )
    .fetch_one(tx.conn())
    .await
}

/// Nobody else rates months of the org until the transaction ends.
pub async fn alone(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('tariffs/' || $1, 0))",
        org.to_string()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}
