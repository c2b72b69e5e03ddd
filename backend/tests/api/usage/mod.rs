//! Usage: taken from the stream once, summed up, and reported.

mod coarse;
mod letters;
mod once;
mod reports;
mod retention;
mod stream;
mod sums;

use crate::harness::{Caller, Shop, TestApp};

async fn open() -> (TestApp, Shop, Caller) {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let caller = Caller::of(&app, &org).await;
    (app, shop, caller)
}

/// Sums over all of a table: calls, money.
async fn sums(app: &TestApp, table: &str) -> (i64, i64) {
    let text = format!(
        "select coalesce(sum(requests), 0)::bigint, coalesce(sum(cost_nanos), 0)::bigint from {table}"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_one(&mut app.sql().await).await.unwrap()
}
