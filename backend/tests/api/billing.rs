//! The ledger: billed once, balanced, never rewritten, and equal to what was used.

use crate::harness::{Caller, RATES, Shop, TestApp, entry};
use backend::billing::reconcile;
use backend::usage::ingest;
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
        "truncate ledger_entries, ledger_transactions cascade",
        "delete from ledger_transactions",
    ] {
        let refused = sqlx::query(rewrite).execute(&mut sql).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{rewrite}: {refused}");
    }
    assert_eq!(ledger(&app).await.1, 0);
}

const ONE: &str = "(id1, price_id, plan_id)";
const TWO: &str = "(id1, price_id, plan_id), (id2, price_id, plan_id)";
const NOBODY: &str = "'00000000-0000-0000-0000-000000000001'::uuid";

fn side(id: &str, position: i32, account: &str, amount: i32) -> String {
    format!("({id}, {position}::smallint, one.org_id, {account}, {amount}::bigint)")
}

fn fair() -> String {
    [side("id1", 1, "receivable", 7), side("id1", 2, "revenue", -7)].join(", ")
}

/// Name, transactions, entries, and what the refusal says.
fn cheats() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let fair = fair();
    vec![
        ("half", ONE, side("id1", 1, "receivable", 7), "1 entries that sum to 7"),
        (
            "unbalanced",
            ONE,
            [side("id1", 1, "receivable", 7), side("id1", 2, "revenue", -6)].join(", "),
            "2 entries that sum to 1",
        ),
        (
            "balanced only together",
            TWO,
            [
                side("id1", 1, "receivable", 7),
                side("id1", 2, "revenue", -8),
                side("id2", 1, "receivable", 8),
                side("id2", 2, "revenue", -7),
            ]
            .join(", "),
            "2 entries that sum to",
        ),
        ("one of two without entries", TWO, fair.clone(), "0 entries"),
        (
            "a transaction that is not there",
            ONE,
            format!(
                "{fair}, {}, {}",
                side("gen_random_uuid()", 1, "receivable", 7),
                side(NOBODY, 2, "revenue", -7)
            ),
            "1 entries",
        ),
        (
            "entries of no transaction",
            ONE,
            format!("{fair}, {}, {}", side(NOBODY, 1, "receivable", 7), side(NOBODY, 2, "revenue", -7)),
            "no ledger transaction",
        ),
        (
            "another org's account",
            ONE,
            [side("id1", 1, "stranger", 7), side("id1", 2, "revenue", -7)].join(", "),
            "no ledger account",
        ),
        (
            "entries of another org than their transaction",
            ONE,
            "(id1, 1::smallint, strange_org, stranger, 7::bigint), (id1, 2::smallint, strange_org, stranger, -7::bigint)".to_owned(),
            "no ledger transaction",
        ),
        (
            "no such price",
            "(id1, '00000000-0000-0000-0000-000000000001'::uuid, plan_id)",
            fair.clone(),
            "no price",
        ),
        (
            "no such plan",
            "(id1, price_id, '00000000-0000-0000-0000-000000000001'::uuid)",
            fair.clone(),
            "no plan",
        ),
    ]
}

/// A statement that books `entries` (position, org's account or another's, amount, of which
/// transaction) and its transactions at once, as booking does.
fn in_one_statement(transactions: &str, entries: &str) -> String {
    format!(
        "with one as (select t.*, gen_random_uuid() as id1, gen_random_uuid() as id2 from ledger_transactions t limit 1),
           own as (select a.org_id, (array_agg(a.id) filter (where a.kind = 'receivable'))[1] as receivable,
               (array_agg(a.id) filter (where a.kind = 'revenue'))[1] as revenue
             from ledger_accounts a join one using (org_id) group by 1),
           foreign_one as (select a.id as stranger, a.org_id as strange_org from ledger_accounts a, one
             where a.org_id <> one.org_id limit 1),
           made as (insert into ledger_transactions (id, org_id, kind, request_id, price_id, plan_id, at, created_at)
             select made.id, one.org_id, kind, gen_random_uuid(), made.price, made.plan, at, created_at
             from one, own, lateral (values {transactions}) as made (id, price, plan))
         insert into ledger_entries (transaction_id, position, org_id, account_id, amount_nanos)
         select entry.* from one, own, foreign_one, lateral (values {entries})
           as entry (transaction_id, position, org_id, account_id, amount_nanos)"
    )
}

#[tokio::test]
async fn no_statement_leaves_the_ledger_unbalanced_or_naming_what_is_not_there() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    for slug in ["acme", "other"] {
        let org = app.org(slug).await;
        let caller = Caller::of(&app, &org).await;
        ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 10, 10))]).await.unwrap();
    }
    let mut sql = app.sql().await;
    for (name, transactions, entries, why) in cheats() {
        let text = in_one_statement(transactions, &entries);
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut sql).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{name}: {refused}");
    }
    // And the statement that the cheats are made of is a fair one.
    let text = in_one_statement(ONE, &fair());
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut sql).await.unwrap();
    assert_eq!(ledger(&app).await.1, 0);
}

#[tokio::test]
async fn nothing_that_the_ledger_names_is_lost_and_no_way_in_goes_around_its_proof() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let caller = Caller::of(&app, &org).await;
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 10, 10))]).await.unwrap();
    let mut sql = app.sql().await;
    for (cheat, why) in [
        ("update ledger_accounts set kind = 'revenue' where kind = 'receivable'", "append-only"),
        ("delete from ledger_accounts", "append-only"),
        ("delete from prices", "the ledger names"),
        ("delete from plans", "the ledger names"),
        ("truncate prices cascade", "the ledger may name"),
        ("truncate plans cascade", "the ledger may name"),
        (
            "insert into ledger_entries select * from ledger_entries on conflict (transaction_id, position)
             do update set amount_nanos = 0",
            "append-only",
        ),
    ] {
        let refused = sqlx::query(cheat).execute(&mut sql).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{cheat}: {refused}");
    }
    let mut copy = sql.copy_in_raw("copy ledger_entries from stdin").await.unwrap();
    let line = "00000000-0000-0000-0000-000000000001\t1\t00000000-0000-0000-0000-000000000001\t00000000-0000-0000-0000-000000000001\t5\n";
    copy.send(line.as_bytes()).await.unwrap();
    assert!(copy.finish().await.unwrap_err().to_string().contains("sum to 5"));
    assert_eq!(ledger(&app).await.1, 0);
}
