//! The ledger: billed once, balanced, never rewritten, and equal to what was used.

use crate::harness::{Caller, RATES, Shop, TestApp, entry};
use backend::billing::reconcile;
use backend::usage::{self, ingest};
use contract::usage::{Outcome, Tokens, UsageEvent};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

async fn ledger(app: &TestApp) -> (i64, i64) {
    sqlx::query_as(
        "select coalesce(sum(amount_nanos) filter (where kind = 'receivable'), 0)::bigint,
           coalesce(sum(amount_nanos), 0)::bigint
         from ledger_entries e join ledger_accounts a on a.id = e.account_id",
    )
    .fetch_one(&mut app.sql().await)
    .await
    .unwrap()
}

/// Each batch: calls as (input, output, failed), and an order in which they arrive, repeats
/// included.
fn batches() -> impl Strategy<Value = (Vec<(u64, u64, bool)>, Vec<usize>)> {
    proptest::collection::vec((0..5_000_u64, 0..5_000_u64, proptest::bool::weighted(0.1)), 1..12)
        .prop_flat_map(|calls| {
            let count = calls.len();
            (Just(calls), proptest::collection::vec(0..count, 1..40))
        })
}

#[test]
fn however_events_are_repeated_and_reordered_the_ledger_is_the_sum_of_the_distinct_ones() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (app, shop, caller) = runtime.block_on(async {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        (app, shop, caller)
    });
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&batches(), |(calls, order)| {
            runtime.block_on(async {
                let before = ledger(&app).await.0;
                let events: Vec<UsageEvent> = calls
                    .iter()
                    .map(|(input, output, failed)| {
                        let event = caller.event(&app, &shop, *input, *output);
                        if !failed {
                            return event;
                        }
                        let failed = UsageEvent {
                            outcome: Outcome::UpstreamError,
                            tokens: Tokens::default(),
                            status: 502,
                            ..event
                        };
                        UsageEvent { cost_nanos: failed.cost_under(&RATES), ..failed }
                    })
                    .collect();
                let mut seen: Vec<usize> = order.clone();
                seen.sort_unstable();
                seen.dedup();
                let due: i64 = seen.iter().map(|index| events[*index].cost_nanos.0).sum();
                let entries: Vec<_> =
                    order.iter().enumerate().map(|(n, i)| entry(n, &events[*i])).collect();
                for part in entries.chunks(7) {
                    ingest(&app.app, part).await.unwrap();
                }
                let (receivable, sum) = ledger(&app).await;
                prop_assert_eq!(receivable - before, due);
                prop_assert_eq!(sum, 0);
                Ok(())
            })
        })
        .unwrap();
    let (_, differences) = runtime.block_on(reconcile(&app.app)).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
    runtime.block_on(async move { drop(app) });
}

#[tokio::test]
async fn the_database_refuses_a_transaction_that_does_not_balance() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let caller = Caller::of(&app, &org).await;
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 10, 10))]).await.unwrap();
    let mut sql = app.sql().await;
    let insert = "insert into ledger_entries (transaction_id, position, org_id, account_id, amount_nanos)
        select t.id, 3, t.org_id, a.id, 5 from ledger_transactions t join ledger_accounts a using (org_id)
        where a.kind = 'revenue'";
    let refused = sqlx::query(insert).execute(&mut sql).await.unwrap_err().to_string();
    assert!(refused.contains("sum to 5"), "{refused}");
    let lonely = "insert into ledger_transactions (id, org_id, kind, request_id, price_id, plan_id, at, created_at)
        select gen_random_uuid(), org_id, kind, gen_random_uuid(), price_id, plan_id, at, created_at
        from ledger_transactions";
    let refused = sqlx::query(lonely).execute(&mut sql).await.unwrap_err().to_string();
    assert!(refused.contains("0 entries"), "{refused}");
    for rewrite in [
        "update ledger_entries set amount_nanos = 0",
        "delete from ledger_entries",
        "truncate ledger_entries, ledger_transactions",
        "delete from ledger_transactions",
    ] {
        let refused = sqlx::query(rewrite).execute(&mut sql).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{rewrite}: {refused}");
    }
    assert_eq!(ledger(&app).await.1, 0);
}

#[tokio::test]
async fn a_planted_difference_is_found() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let caller = Caller::of(&app, &org).await;
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 10, 10))]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    assert_eq!(reconcile(&app.app).await.unwrap().1, []);
    let mut sql = app.sql().await;
    let plant = async |sql: &mut sqlx::PgConnection, text: &'static str| {
        sqlx::query(text).execute(sql).await.unwrap();
        let (_, differences) = reconcile(&app.app).await.unwrap();
        assert_eq!(differences.len(), 1, "{text}");
        differences[0].detail.clone()
    };
    let found = plant(&mut sql, "update usage_hours set cost_nanos = cost_nanos + 1").await;
    assert!(found.contains("rollups"), "{found}");
    sqlx::query("update usage_hours set cost_nanos = cost_nanos - 1")
        .execute(&mut sql)
        .await
        .unwrap();
    let found = plant(&mut sql, "update usage_days set cost_nanos = cost_nanos + 1").await;
    assert!(found.contains("by day"), "{found}");
    sqlx::query("update usage_days set cost_nanos = cost_nanos - 1")
        .execute(&mut sql)
        .await
        .unwrap();
    let found = plant(&mut sql, "delete from usage_events").await;
    assert!(found.contains("1 calls"), "{found}");
}
