//! A call is booked once, whatever is told of it again.

use super::open;
use crate::harness::entry;
use backend::usage::{Booked, ingest};
use chrono::TimeDelta;
use contract::money::Nanos;
use contract::usage::{Outcome, Tokens, UsageEvent};

#[tokio::test]
async fn a_call_said_to_be_made_twice_is_billed_once_and_the_contradiction_kept() {
    let (app, shop, caller) = open().await;
    let first = caller.event(&app, &shop, 100, 50);
    let tokens = Tokens { input: 1, ..Tokens::default() };
    let cheaper = UsageEvent { tokens, cost_nanos: Nanos(1_000), ..first.clone() };
    let elsewhen = UsageEvent { at: first.at - TimeDelta::days(40), ..first.clone() };
    ingest(&app.app, &[entry(1, &first)]).await.unwrap();
    let told = [entry(2, &cheaper), entry(3, &elsewhen)];
    assert_eq!(ingest(&app.app, &told).await.unwrap().dead, 2);
    assert_eq!(app.count("ledger_transactions").await, 1);
    assert_eq!(app.count("usage_events").await, 1);
}

#[tokio::test]
async fn a_free_call_told_again_with_another_instant_is_in_usage_once() {
    let (app, shop, caller) = open().await;
    let free = UsageEvent {
        outcome: Outcome::UpstreamError,
        tokens: Tokens::default(),
        cost_nanos: Nanos(0),
        ..caller.event(&app, &shop, 0, 0)
    };
    let within = UsageEvent { at: free.at + TimeDelta::microseconds(700), ..free.clone() };
    let later = UsageEvent { at: free.at + TimeDelta::milliseconds(3), ..free.clone() };
    let another_month = UsageEvent { at: free.at - TimeDelta::days(40), ..free.clone() };
    let told = [entry(1, &free), entry(2, &within), entry(3, &later), entry(4, &another_month)];
    let booked = Booked { new: 1, known: 1, dead: 2 };
    assert_eq!(ingest(&app.app, &told).await.unwrap(), booked);
    assert_eq!(ingest(&app.app, &told).await.unwrap(), Booked { new: 0, known: 2, ..booked });
    assert_eq!(app.count("usage_events").await, 1);
    let reason: String = sqlx::query_scalar("select min(reason) from usage_dead_letters")
        .fetch_one(&mut app.sql().await)
        .await
        .unwrap();
    assert!(reason.contains("its id is of another instant"), "{reason}");
}
