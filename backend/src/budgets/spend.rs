//! What the calls that a budget counts cost, from the sums by day and hour where they are whole,
//! and from the events themselves at the edges of a period that are no edges of hours.

use super::model::Row;
use super::store::scope_columns;
use crate::db::Tx;
use chrono::{DurationRound as _, TimeDelta};
use contract::Timestamp;

/// The next edge of a whole `step` at or after `at`, and the last one at or before it.
fn edges(at: Timestamp, step: TimeDelta) -> (Timestamp, Timestamp) {
    let before = at.duration_trunc(step).unwrap_or(at);
    let after = if before == at { at } else { before + step };
    (after, before)
}

/// `[from, until)` cut at whole hours and whole UTC days: `(hours, days)`, each with its end.
type Cut = ((Timestamp, Timestamp), (Timestamp, Timestamp));

fn cut(from: Timestamp, until: Timestamp) -> Cut {
    let (first_hour, last_hour) =
        (edges(from, TimeDelta::hours(1)).0, edges(until, TimeDelta::hours(1)).1);
    let last_hour = last_hour.max(first_hour);
    let (first_day, last_day) =
        (edges(first_hour, TimeDelta::days(1)).0, edges(last_hour, TimeDelta::days(1)).1);
    // A period within a day has hours only.
    let days = if first_day < last_day { (first_day, last_day) } else { (last_hour, last_hour) };
    ((first_hour, last_hour), days)
}

/// What was spent in `[from, until)`, in nano-dollars.
pub(super) async fn between(
    tx: &mut impl Tx,
    row: &Row,
    (from, until): (Timestamp, Timestamp),
) -> sqlx::Result<i64> {
    let (kind, scope) = scope_columns(row.scope);
    if let Some(tag) = &row.tag {
        return sqlx::query_scalar!(
            r#"select least(coalesce(sum(cost_nanos), 0), 9223372036854775807)::bigint as "spent!"
               from usage_events
               where org_id = $1 and at >= $2 and at < $3
                 and case $4 when 'org' then true when 'team' then team_id = $5
                   when 'app' then app_id = $5 when 'plan' then plan_id = $5 else key_id = $5 end
                 and ($6::uuid is null or model_id = $6)
                 and tags @> jsonb_build_array(jsonb_build_object('name', $7::text, 'value', $8::text))"#,
            row.org_id.0,
            from,
            until,
            kind,
            scope,
            row.model_id.map(|id| id.0),
            tag.name,
            tag.value,
        )
        .fetch_one(tx.conn())
        .await;
    }
    let ((first_hour, last_hour), (first_day, last_day)) = cut(from, until);
    sqlx::query_scalar!(
        r#"select least(coalesce(sum(cost_nanos), 0), 9223372036854775807)::bigint as "spent!"
           from (
             select team_id, app_id, key_id, plan_id, model_id, cost_nanos from usage_days
             where org_id = $1 and day >= $4 and day < $5
             union all
             select team_id, app_id, key_id, plan_id, model_id, cost_nanos from usage_hours
             where org_id = $1 and hour >= $2 and hour < $4
             union all
             select team_id, app_id, key_id, plan_id, model_id, cost_nanos from usage_hours
             where org_id = $1 and hour >= $5 and hour < $3
             union all
             select team_id, app_id, key_id, plan_id, model_id, cost_nanos from usage_events
             where org_id = $1 and at >= $6 and at < $2
             union all
             select team_id, app_id, key_id, plan_id, model_id, cost_nanos from usage_events
             where org_id = $1 and at >= $3 and at < $7
           ) used
           where case $8 when 'org' then true when 'team' then team_id = $9
               when 'app' then app_id = $9 when 'plan' then plan_id = $9 else key_id = $9 end
             and ($10::uuid is null or model_id = $10)"#,
        row.org_id.0,
        first_hour,
        last_hour,
        first_day,
        last_day,
        from,
        until.max(last_hour),
        kind,
        scope,
        row.model_id.map(|id| id.0),
    )
    .fetch_one(tx.conn())
    .await
}

/// How long after a budget is made calls may still arrive that were decided without it.
pub(super) const UNHEARD: TimeDelta = TimeDelta::hours(1);

/// What the period in which the budget was made had cost without being counted by gateways: all
/// calls before it, and those decided under a configuration in which it was not.
pub(super) async fn uncounted(tx: &mut impl Tx, row: &Row) -> sqlx::Result<i64> {
    let (from, until) = row.period(row.created_at);
    let hour = edges(row.created_at, TimeDelta::hours(1)).1.max(from);
    let booked = between(tx, row, (from, hour)).await?;
    let (kind, scope) = scope_columns(row.scope);
    let since = sqlx::query_scalar!(
        r#"select least(coalesce(sum(cost_nanos), 0), 9223372036854775807)::bigint as "spent!"
           from usage_events
           where org_id = $1 and at >= $2 and at < $3 and config_version <= $4
             and case $5 when 'org' then true when 'team' then team_id = $6
               when 'app' then app_id = $6 when 'plan' then plan_id = $6 else key_id = $6 end
             and ($7::uuid is null or model_id = $7)
             and ($8::text is null
                  or tags @> jsonb_build_array(jsonb_build_object('name', $8, 'value', $9::text)))"#,
        row.org_id.0,
        hour,
        until.min(row.created_at + UNHEARD),
        row.made_version,
        kind,
        scope,
        row.model_id.map(|id| id.0),
        row.tag.as_ref().map(|tag| &tag.name),
        row.tag.as_ref().map(|tag| &tag.value),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(booked.saturating_add(since))
}

/// What each full UTC day before `today` cost, oldest first: from the first that cost anything, at
/// most `most` days.
pub(super) async fn days(
    tx: &mut impl Tx,
    row: &Row,
    today: Timestamp,
    most: i32,
) -> sqlx::Result<Vec<i64>> {
    let (kind, scope) = scope_columns(row.scope);
    let spent = sqlx::query!(
        r#"select day as "day!", least(sum(cost_nanos), 9223372036854775807)::bigint as "spent!"
           from (
             select day, team_id, app_id, key_id, plan_id, model_id, cost_nanos from usage_days
             where $7::text is null and org_id = $1 and day >= $2 and day < $3
             union all
             select date_trunc('day', at at time zone 'UTC') at time zone 'UTC', team_id, app_id,
               key_id, plan_id, model_id, cost_nanos
             from usage_events
             where $7::text is not null and org_id = $1 and at >= $2 and at < $3
               and tags @> jsonb_build_array(jsonb_build_object('name', $7, 'value', $8::text))
           ) used
           where case $4 when 'org' then true when 'team' then team_id = $5
               when 'app' then app_id = $5 when 'plan' then plan_id = $5 else key_id = $5 end
             and ($6::uuid is null or model_id = $6)
           group by day order by day"#,
        row.org_id.0,
        today - TimeDelta::days(most.into()),
        today,
        kind,
        scope,
        row.model_id.map(|id| id.0),
        row.tag.as_ref().map(|tag| &tag.name),
        row.tag.as_ref().map(|tag| &tag.value),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut all = Vec::new();
    for one in spent {
        let ago = usize::try_from((today - one.day).num_days()).unwrap_or(0);
        // The first day found says how many there are; those between without use cost nothing.
        if all.is_empty() {
            all = vec![0; ago];
        }
        let place = all.len().checked_sub(ago);
        if let Some(day) = place.and_then(|place| all.get_mut(place)) {
            *day = one.spent;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::model::tests::at;
    use proptest::prelude::*;

    #[test]
    fn a_period_of_a_zone_off_the_hour_is_cut_where_hours_and_days_are_whole() {
        let (hours, days) = cut(at("2026-03-31T18:30:00Z"), at("2026-04-30T18:30:00Z"));
        assert_eq!(hours, (at("2026-03-31T19:00:00Z"), at("2026-04-30T18:00:00Z")));
        assert_eq!(days, (at("2026-04-01T00:00:00Z"), at("2026-04-30T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn the_parts_of_a_period_touch_and_none_is_counted_twice(
            from in 1_700_000_000_i64..1_800_000_000, length in 0_i64..40_000_000,
        ) {
            let instant = |seconds| Timestamp::from_timestamp(seconds, 0).unwrap();
            let (from, until) = (instant(from), instant(from + length));
            let ((first_hour, last_hour), (first_day, last_day)) = cut(from, until);
            prop_assert!(from <= first_hour && first_hour <= first_day && first_day <= last_day);
            prop_assert!(last_day <= last_hour && first_hour - from < TimeDelta::hours(1));
            prop_assert!(last_hour <= until || first_hour == last_hour);
        }
    }
}
