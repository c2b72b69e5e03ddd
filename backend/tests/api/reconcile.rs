//! Reconciling the books: each kind of falsehood, planted in a database that otherwise agrees, is
//! found, named, and makes the command fail.

use crate::harness::{Caller, Shop, TestApp, entry};
use crate::unknowns::unsettled;
use backend::billing::reconcile;
use backend::jobs::Job as _;
use backend::usage::unknowns::jobs::SweepUnknowns;
use backend::usage::{self, Entry, ingest};
use chrono::TimeDelta;
use serde_json::json;

/// Books with one of everything: a call that a credit paid, and one of unknown outcome that was billed.
async fn books() -> TestApp {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let caller = Caller::of(&app, &app.org("acme").await).await;
    let version = shop.operator.get("/v1/admin/orgs/acme").await.json()["version"].as_i64();
    let billing = json!({"billing": "prepaid", "floor_usd": "0"});
    shop.operator.patch("/v1/admin/orgs/acme/billing", billing, version.unwrap()).await.expect(200);
    let credit = json!({"kind": "purchase", "amount_usd": "100", "note": "Invoice 7"});
    shop.operator.post("/v1/admin/orgs/acme/credits", credit).await.expect(201);
    execute(&app, "update plans set unknown_policy = 'bill_reserved'").await;
    let lost = unsettled(&caller.event(&app, &shop, 1, 0), true);
    let lost =
        Entry { stream_id: "1-1".to_owned(), body: Some(serde_json::to_string(&lost).unwrap()) };
    ingest(&app.app, &[lost, entry(2, &caller.event(&app, &shop, 2_000_000, 0))]).await.unwrap();
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    app.clock.advance(TimeDelta::hours(25));
    SweepUnknowns.run(&app.app).await.unwrap();
    app
}

/// As somebody whom no trigger stops.
async fn execute(app: &TestApp, sql: &'static str) {
    let mut conn = app.sql().await;
    sqlx::query("set session_replication_role = replica").execute(&mut conn).await.unwrap();
    let done = sqlx::query(sql).execute(&mut conn).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert!(done.rows_affected() > 0, "{sql} changed nothing");
}

async fn found(app: &TestApp) -> Vec<String> {
    let (_, differences) = reconcile(&app.app).await.unwrap();
    differences.into_iter().map(|difference| difference.detail).collect()
}

/// What is planted, how it is taken back, and what is said of it.
const PLANTED: &[[&str; 3]] = &[
    [
        "update ledger_entries set amount_nanos = amount_nanos + 1 where position = 1",
        "update ledger_entries set amount_nanos = amount_nanos - 1 where position = 1",
        "transactions do not balance",
    ],
    [
        "update usage_events set cost_nanos = cost_nanos + 1",
        "update usage_events set cost_nanos = cost_nanos - 1",
        "1 calls are billed another amount than they cost",
    ],
    [
        "update ledger_transactions set kind = 'grant', request_id = null, price_id = null, plan_id = null
         where kind = 'usage'",
        "update ledger_transactions set kind = 'usage', plan_id = e.plan_id, price_id = e.price_id,
           request_id = e.request_id
         from usage_events e where kind = 'grant' and id not in (select transaction_id from credits)",
        "1 calls are in events or in the ledger only",
    ],
    [
        "update ledger_entries set account_id = (select id from ledger_accounts where kind = 'cash')
         where account_id = (select id from ledger_accounts where kind = 'revenue')",
        "update ledger_entries set account_id = (select id from ledger_accounts where kind = 'revenue')
         where account_id = (select id from ledger_accounts where kind = 'cash') and amount_nanos < 0",
        "billed another amount",
    ],
    [
        "update credit_draws set amount_nanos = amount_nanos + 1",
        "update credit_draws set amount_nanos = amount_nanos - 1",
        "2 transactions took something else of the wallet than of its credits",
    ],
    [
        "update credits set remaining_nanos = remaining_nanos - 1",
        "update credits set remaining_nanos = remaining_nanos + 1",
        "1 credits have left something else than was not drawn",
    ],
    [
        "update credits set amount_nanos = amount_nanos + 1, remaining_nanos = remaining_nanos + 1",
        "update credits set amount_nanos = amount_nanos - 1, remaining_nanos = remaining_nanos - 1",
        "1 credits are not what their transactions paid in",
    ],
    [
        "update wallets set drawn_nanos = drawn_nanos + 1 where billing = 'prepaid'",
        "update wallets set drawn_nanos = drawn_nanos - 1 where billing = 'prepaid'",
        "1 wallets have another balance than the ledger",
    ],
    [
        "update wallets set credited_nanos = credited_nanos + 1 where billing = 'prepaid'",
        "update wallets set credited_nanos = credited_nanos - 1 where billing = 'prepaid'",
        "1 wallets have another balance than their credits",
    ],
    [
        "update wallets set drawn_nanos = drawn_nanos - 1, expired_nanos = expired_nanos + 1
         where billing = 'prepaid'",
        "update wallets set drawn_nanos = drawn_nanos + 1, expired_nanos = expired_nanos - 1
         where billing = 'prepaid'",
        "1 wallets count other draws than the ledger",
    ],
    [
        "update usage_unknowns set reserved_nanos = reserved_nanos + 1",
        "update usage_unknowns set reserved_nanos = reserved_nanos - 1",
        "1 calls of unknown outcome are billed another amount than was reserved",
    ],
    [
        "update usage_unknowns set state = 'forgiven'",
        "update usage_unknowns set state = 'billed'",
        "1 calls are billed although their outcome is known or forgiven",
    ],
    [
        "update usage_unknowns set state = 'settled'",
        "update usage_unknowns set state = 'billed'",
        "1 calls of unknown outcome are called settled without what they used",
    ],
    [
        "update usage_unknowns set request_id = (select request_id from usage_events),
           reason = request_id::text",
        "update usage_unknowns set request_id = reason::uuid",
        "1 calls of unknown outcome have told what they used",
    ],
    [
        "update usage_unknowns set transaction_id = null",
        "update usage_unknowns set transaction_id =
           (select id from ledger_transactions where kind = 'unknown')",
        "1 reservations are billed of calls that are not of unknown outcome",
    ],
    [
        "update usage_hours set cost_nanos = cost_nanos + 1",
        "update usage_hours set cost_nanos = cost_nanos - 1",
        "the rollups do not sum to the events",
    ],
    [
        "update usage_hours set requests = requests + 1",
        "update usage_hours set requests = requests - 1",
        "1 hours are not the sum of their events, such as 2026-03-01 12:00",
    ],
    [
        "update usage_hours set hour = hour + interval '1 hour'",
        "update usage_hours set hour = hour - interval '1 hour'",
        "2 hours are not the sum of their events",
    ],
    [
        "update usage_days set requests = requests + 1",
        "update usage_days set requests = requests - 1",
        "1 days are not the sum of their hours, such as 2026-03-01",
    ],
    [
        "update usage_months set requests = requests + 1",
        "update usage_months set requests = requests - 1",
        "1 months are not the sum of their days, such as 2026-03",
    ],
    [
        "update usage_day_lines set cost_nanos = cost_nanos + 1 where kind = 'key'",
        "update usage_day_lines set cost_nanos = cost_nanos - 1 where kind = 'key'",
        "1 lines of days are not the sum of their day, such as 2026-03-01",
    ],
    [
        "update usage_hour_lines set id = gen_random_uuid() where kind = 'model'",
        "update usage_hour_lines set id = (select id from models) where kind = 'model'",
        "2 lines of hours are not the sum of their hour, such as 2026-03-01 12:00",
    ],
];

#[tokio::test]
async fn every_planted_difference_is_found_and_nothing_is_found_where_none_is() {
    let app = books().await;
    assert_eq!(found(&app).await, [""; 0]);
    for [plant, undo, said] in PLANTED {
        execute(&app, plant).await;
        let differences = found(&app).await;
        assert!(differences.iter().any(|one| one.contains(said)), "{plant}: {differences:?}");
        execute(&app, undo).await;
        assert_eq!(found(&app).await, [""; 0], "after {undo}");
    }
    execute(&app, "delete from usage_events").await;
    let differences = found(&app).await;
    let lonely = "1 calls are in events or in the ledger only";
    assert!(differences.iter().any(|one| one.contains(lonely)), "{differences:?}");
}

#[tokio::test]
async fn the_command_says_which_org_differs_and_that_it_failed() {
    let app = books().await;
    let run = async || {
        let mut out = Vec::new();
        let agree = backend::admin::run(&app.app, backend::admin::Command::Reconcile, &mut out);
        (agree.await.unwrap(), String::from_utf8(out).unwrap())
    };
    let (agree, said) = run().await;
    assert!(agree && said.contains("orgs agree to the nano-dollar"), "{said}");
    execute(&app, "update wallets set drawn_nanos = drawn_nanos + 1 where billing = 'prepaid'")
        .await;
    let (agree, said) = run().await;
    assert!(!agree && said.contains("DIFFERENCE acme: 1 wallets"), "{said}");
}
