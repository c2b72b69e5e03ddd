//! Months of events are dropped when their time is over, and not before their sums are right.

use super::open;
use crate::harness::{TestApp, entry};
use backend::billing::reconcile;
use backend::usage::{self, ingest};
use chrono::TimeDelta;

async fn months(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname::text from pg_inherits join pg_class c on c.oid = inhrelid
         where inhparent = 'usage_events'::regclass order by 1",
    )
    .fetch_all(&mut app.sql().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_month_that_is_no_longer_kept_is_dropped_and_its_money_stays_comparable() {
    let (app, shop, caller) = open().await;
    let old = [caller.event(&app, &shop, 100, 50), caller.event(&app, &shop, 7, 7)];
    ingest(&app.app, &[entry(1, &old[0]), entry(2, &old[1])]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    // March ends 15 months before this one: still kept, to the last day.
    app.clock
        .advance("2027-06-30T23:00:00Z".parse::<contract::Timestamp>().unwrap() - app.clock.now());
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2026_03");
    let new = caller.event(&app, &shop, 1, 1);
    ingest(&app.app, &[entry(3, &new)]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    app.clock.advance(TimeDelta::days(1));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2027_06");
    assert_eq!(app.count("usage_events").await, 1);
    let seals: (i64, i64, i64) =
        sqlx::query_as("select events, priced, cost_nanos from usage_seals")
            .fetch_one(&mut app.sql().await)
            .await
            .unwrap();
    assert_eq!(seals, (2, 2, old[0].cost_nanos.0 + old[1].cost_nanos.0));
    let (figures, differences) = reconcile(&app.app).await.unwrap();
    assert_eq!(differences, []);
    let due = seals.2 + new.cost_nanos.0;
    assert_eq!((figures[0].events.0, figures[0].paid.0), (due, due));
    // What the seal says is held against the ledger like the events were.
    sqlx::query("update usage_seals set priced = 3").execute(&mut app.sql().await).await.unwrap();
    assert!(reconcile(&app.app).await.unwrap().1[0].detail.contains("1 calls"));
    // And what is told of the dropped month again is no new call.
    assert_eq!(ingest(&app.app, &[entry(4, &old[0])]).await.unwrap().dead, 1);
}

#[tokio::test]
async fn a_month_whose_sums_are_not_those_of_its_events_is_not_dropped() {
    let (app, shop, caller) = open().await;
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 100, 50))]).await.unwrap();
    app.clock.advance(TimeDelta::days(600));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2026_03");
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    let planted = "update usage_days set cost_nanos = cost_nanos + 1";
    sqlx::query(planted).execute(&mut app.sql().await).await.unwrap();
    app.clock.advance(TimeDelta::days(1));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(months(&app).await[0], "usage_events_2026_03");
    let mended = "update usage_days set cost_nanos = cost_nanos - 1";
    sqlx::query(mended).execute(&mut app.sql().await).await.unwrap();
    app.clock.advance(TimeDelta::days(1));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_ne!(months(&app).await[0], "usage_events_2026_03");
    assert_eq!(reconcile(&app.app).await.unwrap().1, []);
}
