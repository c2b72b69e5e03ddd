//! Whether what is posted for months is what their tariffs make of them.

use super::close::{figures, last_over, over, wanted};
use super::store;
use crate::billing::Difference;
use crate::db::{SystemTx, Tx as _};
use chrono::TimeDelta;
use contract::id::OrgId;
use contract::money::Nanos;
use std::collections::HashMap;

/// How late a month may be rated before that is a fault.
const LATE: TimeDelta = TimeDelta::hours(1);

/// Every difference, org by org. Nobody rates an org's months meanwhile.
///
/// # Errors
/// Postgres refused.
pub async fn fail(tx: &mut SystemTx) -> sqlx::Result<Vec<Difference>> {
    let mut wrong: Vec<(OrgId, String)> = Vec::new();
    let mut alone = None;
    for of in store::closed(tx, None, None).await? {
        if alone != Some(of.org_id) {
            store::alone(tx, of.org_id).await?;
            alone = Some(of.org_id);
        }
        let key = (of.org_id, of.plan_id, of.month);
        let tariff = store::in_force(tx, of.month).await?.remove(&of.plan_id).unwrap_or_default();
        for (kind, wanted) in wanted(&figures(tx, key, &tariff).await?) {
            let posted = store::posted(tx, key, kind).await?.nanos;
            if posted != wanted {
                let (month, plan, kind) = (of.month, of.plan_id, kind.as_str());
                wrong.push((of.org_id, format!(
                    "the ledger has another {kind} for {month} than the plan's tariff makes of it \
                     (nano-dollars: {} in the ledger, {} by {plan})", posted.0, wanted.0)));
            }
        }
    }
    let long_over = last_over(tx.now() - LATE);
    for month in over(tx).await?.into_iter().filter(|month| *month <= long_over) {
        for (org, plan) in store::open(tx, None, month).await? {
            wrong.push((org, format!("{month} is over and nobody has rated it, such as {plan}")));
        }
    }
    for (org, month, nanos) in unrated(tx).await? {
        wrong.push((
            org,
            format!(
                "the ledger rates {month} of a plan that is not rated ({} nano-dollars)",
                nanos.0
            ),
        ));
    }
    let slugs = slugs(tx, &wrong).await?;
    let named = |org: OrgId| slugs.get(&org).cloned().unwrap_or_else(|| org.to_string());
    Ok(wrong.into_iter().map(|(org, detail)| Difference { slug: named(org), detail }).collect())
}

/// What is posted for months that are not known as rated.
async fn unrated(tx: &mut SystemTx) -> sqlx::Result<Vec<(OrgId, String, Nanos)>> {
    let rows = sqlx::query!(
        r#"select t.org_id as "org_id: OrgId", to_char(t.month at time zone 'UTC', 'YYYY-MM') as "month!",
             sum(e.amount_nanos)::bigint as "nanos!: Nanos"
           from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
           where t.month is not null and e.amount_nanos > 0
             and not exists (select from plan_months m where m.org_id = t.org_id
               and m.plan_id = t.plan_id and m.month = t.month)
           group by t.org_id, t.month order by 1, 2"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.org_id, row.month, row.nanos)).collect())
}

async fn slugs(
    tx: &mut SystemTx,
    wrong: &[(OrgId, String)],
) -> sqlx::Result<HashMap<OrgId, String>> {
    let orgs: Vec<_> = wrong.iter().map(|(org, _)| org.0).collect();
    let rows =
        sqlx::query!(r#"select id as "id: OrgId", slug from orgs where id = any($1)"#, &orgs)
            .fetch_all(tx.conn())
            .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.slug)).collect())
}
