//! Looks at budgets whose spending or terms changed, in the transaction of the sums that saw it.
//!
//! An alert is a row whose key is budget, period and threshold: whoever inserts it queues what
//! people are told, so each is queued exactly once, however many workers look and whenever one of
//! them dies.

use super::model::{Row, limit_id, reaches};
use super::spend::{self, UNHEARD};
use super::store::{self, Which};
use super::tell::TellBudgetAlert;
use crate::db::{SystemTx, Tx as _};
use crate::{jobs, outbox};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::snapshot::Kind;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Between two looks at a budget on a tag.
const TAG_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// `hours`: whose sums were made anew.
///
/// # Errors
/// Postgres refused.
pub async fn watch(tx: &mut SystemTx, hours: &[(Uuid, Timestamp)]) -> sqlx::Result<()> {
    let mut of: HashMap<Uuid, Vec<Timestamp>> = HashMap::new();
    for (org, hour) in hours {
        of.entry(*org).or_default().push(*hour);
    }
    let orgs: Vec<Uuid> = of.keys().copied().collect();
    let which = Which { orgs_or_unchecked: Some(&orgs), ..Which::default() };
    for row in store::rows(tx, which).await? {
        if is_early(&row, tx.now()) {
            store::set_due(tx, row.id).await?;
            continue;
        }
        let hours = of.get(&row.org_id.0).map_or(&[][..], Vec::as_slice);
        check(tx, &row, hours).await?;
        store::set_checked(tx, row.id, row.version).await?;
    }
    Ok(())
}

/// What calls with a tag cost is in no sums, only in the events: they are looked through once in a
/// while, for the period that runs.
fn is_early(row: &Row, now: Timestamp) -> bool {
    row.tag.is_some() && row.checked_at.is_some_and(|at| now - at < TAG_PAUSE)
}

async fn check(tx: &mut SystemTx, row: &Row, hours: &[Timestamp]) -> sqlx::Result<()> {
    let now = tx.now();
    // An hour can lie in two periods where clocks are set by half hours.
    let last = TimeDelta::hours(1) - TimeDelta::seconds(1);
    let touched = hours.iter().flat_map(|hour| [*hour, *hour + last]);
    let periods: BTreeSet<(Timestamp, Timestamp)> =
        touched.chain([now]).map(|at| row.period(at)).collect();
    for (from, until) in periods {
        // What ended before the budget was made is none of its business.
        if until > row.created_at && from <= now {
            check_period(tx, row, (from, until)).await?;
        }
    }
    let unheard_until = row.created_at + UNHEARD;
    if hours.iter().any(|hour| *hour < unheard_until) {
        recount(tx, row).await?;
    }
    Ok(())
}

async fn check_period(
    tx: &mut SystemTx,
    row: &Row,
    (from, until): (Timestamp, Timestamp),
) -> sqlx::Result<()> {
    let alerted = store::alerted(tx, row.id, from).await?;
    let open: Vec<i16> =
        row.thresholds.iter().copied().filter(|percent| !alerted.contains(percent)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let spent = spend::between(tx, row, (from, until)).await?;
    let limit = row.limit_at(tx.now().min(until - TimeDelta::seconds(1)));
    for percent in open.into_iter().filter(|percent| reaches(spent, *percent, limit)) {
        let alert = store::insert_alert(tx, row, from, (percent, spent, limit)).await?;
        if let Some(alert) = alert {
            jobs::enqueue(tx, &TellBudgetAlert { alert }).await?;
        }
    }
    Ok(())
}

/// Tells gateways what they could not count, where more of it arrived than was known.
async fn recount(tx: &mut SystemTx, row: &Row) -> sqlx::Result<()> {
    let (_, until) = row.period(row.created_at);
    if until <= tx.now() {
        return Ok(());
    }
    let before = spend::uncounted(tx, row).await?;
    if before != row.before {
        store::set_before(tx, row.id, before).await?;
        outbox::push(tx, Kind::Limit, limit_id(row.id)).await?;
    }
    Ok(())
}
