//! Compares independent sums of the same money, org by org: the events, the ledger, the rollups, and
//! with them wallets, credits and calls of unknown outcome ([`super::proofs`]), and what tariffs make of
//! months. They must agree to the nano-dollar.

use super::{proofs, tariffs};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use contract::id::OrgId;
use contract::money::Nanos;

/// What an org used, three ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub org_id: OrgId,
    pub slug: String,
    pub events: Nanos,
    /// What the ledger says that calls took of the org's wallet, or made it owe.
    pub paid: Nanos,
    /// What the ledger says that calls earned.
    pub revenue: Nanos,
    pub rollups: Nanos,
    /// What the sums by day hold beyond those by hour; 0 when they agree.
    pub days_beside_hours: Nanos,
    /// What the sums by hour lie beside those of their minutes, as far as minutes are kept.
    pub minutes_beside_hours: Nanos,
    /// Priced events without a ledger transaction, and transactions without an event.
    pub unmatched: u64,
}

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The org's.
    pub slug: String,
    pub detail: String,
}

impl Figures {
    fn difference(&self) -> Option<Difference> {
        let detail = if self.unmatched > 0 {
            format!("{} calls are in events or in the ledger only", self.unmatched)
        } else if self.events != self.paid {
            "the ledger does not bill what the events cost".to_owned()
        } else if self.paid != self.revenue {
            "what calls earned is not what was paid and is owed for them".to_owned()
        } else if self.events != self.rollups {
            "the rollups do not sum to the events".to_owned()
        } else if self.minutes_beside_hours != Nanos::ZERO {
            "the sums by hour are not those of the minutes".to_owned()
        } else if self.days_beside_hours != Nanos::ZERO {
            "the sums by day are not those of the hours".to_owned()
        } else {
            return None;
        };
        let (events, paid, revenue) = (self.events.0, self.paid.0, self.revenue.0);
        let detail = format!(
            "{detail} (nano-dollars: events {events}, paid and owed {paid}, earned {revenue}, rollups {})",
            self.rollups.0
        );
        Some(Difference { slug: self.slug.clone(), detail })
    }
}

/// Reads every org's figures, rollups brought up to date first, in one snapshot of the database.
///
/// # Errors
/// Postgres cannot be reached.
pub async fn reconcile(app: &App) -> sqlx::Result<(Vec<Figures>, Vec<Difference>)> {
    while crate::usage::refresh(app).await? > 0 {}
    let mut tx = app.system_tx("reconcile", "compare ledger, events and rollups").await?;
    // An operator waits for it: millions of events are read whole, which takes longer than any request may.
    sqlx::query!("select set_config('statement_timeout', '0', true)").fetch_one(tx.conn()).await?;
    let rows = read(&mut tx).await?;
    let figures: Vec<Figures> = rows
        .into_iter()
        .map(|row| Figures {
            org_id: row.org_id,
            slug: row.slug,
            events: Nanos(row.events),
            paid: Nanos(row.paid),
            revenue: Nanos(row.revenue),
            rollups: Nanos(row.rollups),
            days_beside_hours: Nanos(row.days_beside_hours),
            minutes_beside_hours: Nanos(row.minutes_beside_hours),
            unmatched: row.unmatched.unsigned_abs(),
        })
        .collect();
    let mut differences: Vec<Difference> = figures.iter().filter_map(Figures::difference).collect();
    differences.extend(proofs::fail(&mut tx).await?);
    differences.extend(tariffs::prove::fail(&mut tx).await?);
    Ok((figures, differences))
}

/// An org's figures as the database gives them.
struct Row {
    org_id: OrgId,
    slug: String,
    events: i64,
    paid: i64,
    revenue: i64,
    rollups: i64,
    days_beside_hours: i64,
    minutes_beside_hours: i64,
    unmatched: i64,
}

async fn read(tx: &mut SystemTx) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"with
             stale as (select distinct org_id, date_trunc('hour', minute, 'UTC') as hour
               from usage_stale_minutes),
             -- Months whose events are gone are known by their seals.
             used as (select org_id, sum(nanos)::bigint as nanos from (
                 select org_id, sum(cost_nanos) as nanos from usage_events group by org_id
                 union all select org_id, sum(cost_nanos) from usage_seals group by org_id) parts
               group by org_id),
             kept as (select coalesce(
                 (max(month) at time zone 'UTC' + interval '1 month') at time zone 'UTC', '-infinity')
                 as since from usage_seals),
             summed as (select org_id, sum(nanos)::bigint as nanos from (
                 select org_id, cost_nanos as nanos from usage_hours h
                   where not exists (select from stale s where s.org_id = h.org_id and s.hour = h.hour)
                 union all
                 -- An hour that changed since is as good as summed up: it will be, from these rows.
                 select e.org_id, e.cost_nanos from usage_events e join stale s
                   on s.org_id = e.org_id and e.at >= s.hour and e.at < s.hour + interval '1 hour'
               ) parts group by org_id),
             days as (select org_id, sum(cost_nanos)::bigint as nanos from usage_days d
               group by org_id),
             hours as (select org_id, sum(cost_nanos)::bigint as nanos from usage_hours h
               group by org_id),
             booked as (select a.org_id,
                 sum(e.amount_nanos) filter (where a.kind in ('receivable', 'wallet'))::bigint as paid,
                 sum(-e.amount_nanos) filter (where a.kind = 'revenue')::bigint as revenue
               from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
                 join ledger_accounts a on a.id = e.account_id
               where t.kind = 'usage' group by a.org_id),
             lonely as (select coalesce(e.org_id, t.org_id) as org_id, count(*) as calls
               from (select request_id, org_id from usage_events where cost_nanos > 0) e
               full join (select request_id, org_id from ledger_transactions, kept
                   where kind = 'usage' and at >= kept.since) t
                 on t.request_id = e.request_id and t.org_id = e.org_id
               where e.request_id is null or t.request_id is null
               group by 1),
             sealed as (select org_id, abs(sum(calls))::bigint as calls from (
                 select org_id, priced as calls from usage_seals
                 union all
                 select org_id, -1 from ledger_transactions, kept
                   where kind = 'usage' and at < kept.since) parts group by org_id),
             minutes as (select m.org_id, sum(abs(m.nanos - coalesce(h.nanos, 0)))::bigint as nanos
               from (select org_id, date_trunc('hour', minute, 'UTC') as hour, sum(cost_nanos) as nanos
                 from usage_minutes group by 1, 2) m
               left join (select org_id, hour, sum(cost_nanos) as nanos from usage_hours
                 group by 1, 2) h on h.org_id = m.org_id and h.hour = m.hour
               where not exists (select from stale s where s.org_id = m.org_id and s.hour = m.hour)
               group by 1)
           select o.id as "org_id: OrgId", o.slug,
             coalesce(used.nanos, 0) as "events!", coalesce(summed.nanos, 0) as "rollups!",
             coalesce(days.nanos, 0) - coalesce(hours.nanos, 0) as "days_beside_hours!",
             coalesce(booked.paid, 0) as "paid!", coalesce(booked.revenue, 0) as "revenue!",
             coalesce(minutes.nanos, 0) as "minutes_beside_hours!",
             coalesce(lonely.calls, 0) + coalesce(sealed.calls, 0) as "unmatched!"
           from orgs o left join used on used.org_id = o.id left join summed on summed.org_id = o.id
             left join days on days.org_id = o.id left join hours on hours.org_id = o.id
             left join booked on booked.org_id = o.id left join lonely on lonely.org_id = o.id
             left join sealed on sealed.org_id = o.id left join minutes on minutes.org_id = o.id
           order by o.slug"#
    )
    .fetch_all(tx.conn())
    .await
}
