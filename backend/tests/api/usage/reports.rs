//! What people see of usage: reports, requests, first steps.

use super::open;
use crate::harness::{Caller, Shop, TestApp, entry};
use backend::usage::{self, ingest};
use chrono::TimeDelta;
use contract::money::Nanos;
use contract::role::Role;
use contract::usage::{Outcome, Tokens, UsageEvent};
use serde_json::{Value, json};

/// Two apps, two days, one failed call.
async fn month() -> (TestApp, Shop, Caller) {
    let (app, shop, caller) = open().await;
    let owner = app.member(&caller.test_org(), Role::Owner).await;
    let evil = json!({"name": "=HYPERLINK(1)"});
    let second = owner.post("/v1/orgs/acme/apps", evil).await.expect(201).json();
    let other = Caller { app: second["id"].as_str().unwrap().parse().unwrap(), ..caller };
    let mut entries = Vec::new();
    for (n, by) in [caller, caller, other].iter().enumerate() {
        entries.push(entry(n, &by.event(&app, &shop, 1_000, 100)));
    }
    let failed = UsageEvent {
        outcome: Outcome::UpstreamError,
        status: 502,
        error_code: Some("upstream.failed".into()),
        tokens: Tokens::default(),
        cost_nanos: Nanos(0),
        ..caller.event(&app, &shop, 0, 0)
    };
    entries.push(entry(10, &failed));
    app.clock.advance(TimeDelta::days(1));
    entries.push(entry(11, &caller.event(&app, &shop, 1, 1)));
    assert_eq!(ingest(&app.app, &entries).await.unwrap().new, 5);
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    (app, shop, caller)
}

#[tokio::test]
async fn the_rows_of_a_report_sum_to_its_total_to_the_nano_dollar() {
    let (app, _, caller) = month().await;
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    let report = finance.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!(report["totals"]["requests"], 5);
    assert_eq!(report["totals"]["errors"], 1);
    // 3 × (1000 × $1 + 100 × $3) / 10⁶ and (1 × $1 + 1 × $3) / 10⁶.
    assert_eq!(report["totals"]["cost_usd"], "0.003904");
    let series = report["series"].as_array().unwrap();
    assert_eq!(series.len(), 30);
    assert_eq!(series[28]["requests"], 4);
    assert_eq!(series[29]["cost_usd"], "0.000004");
    assert_eq!(report["by_app"].as_array().unwrap().len(), 2);
    for groups in ["team", "app", "key", "model", "product", "day", "app&group_by=day", "model,key"]
    {
        let path = format!("/v1/orgs/acme/costs?group_by={groups}");
        let costs = finance.get(&path).await.expect(200).json();
        assert_eq!(costs["total_usd"], "0.003904", "{groups}");
        let sum: i64 = costs["rows"].as_array().unwrap().iter().map(nanos).sum();
        assert_eq!(sum, 3_904_000, "{groups}");
    }
    for bad in
        ["group_by=shoe", "group_by=team,app,key", "from=never", "from=2026-03-05&to=2026-03-01"]
    {
        finance.get(&format!("/v1/orgs/acme/costs?{bad}")).await.refused("request.invalid");
    }
    let hours = "/v1/orgs/acme/usage?bucket=hour&from=2026-03-01&to=2026-03-03";
    assert_eq!(finance.get(hours).await.expect(200).json()["series"].as_array().unwrap().len(), 48);
}

fn nanos(row: &Value) -> i64 {
    row["cost_usd"].as_str().unwrap().parse::<contract::money::Usd>().unwrap().0.0
}

#[tokio::test]
async fn the_file_of_costs_is_the_table_and_runs_no_formula() {
    let (app, _, caller) = month().await;
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    let file = finance.get("/v1/orgs/acme/costs.csv?group_by=app").await.expect(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.header("content-disposition").contains("costs-2026"));
    let lines: Vec<&str> = file.text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "app_id,app,requests,input_tokens,output_tokens,cost_usd,\
         images,characters,audio_ms,searches,rows,compute_ms"
    );
    assert!(lines[1].ends_with(",First,4,2001,201,0.002604,0,0,0,0,0,0"), "{lines:?}");
    assert!(lines[2].contains(",'=HYPERLINK(1),1,1000,100,0.0013"), "{lines:?}");
}

#[tokio::test]
async fn each_role_sees_of_usage_what_it_may_and_no_org_sees_anothers() {
    let (app, _, caller) = month().await;
    let stranger_org = app.org("other").await;
    let stranger = app.member(&stranger_org, Role::Owner).await;
    assert_eq!(stranger.get("/v1/orgs/other/usage").await.json()["totals"]["requests"], 0);
    let path = "/v1/orgs/acme/requests";
    let developer = app.member(&caller.test_org(), Role::Developer).await;
    let rows = developer.get(path).await.expect(200).json();
    assert_eq!(rows["items"].as_array().unwrap().len(), 5);
    developer.get("/v1/orgs/acme/costs").await.refused("role.forbidden");
    developer.get("/v1/orgs/acme/costs.csv").await.refused("role.forbidden");
    let finance = app.member(&caller.test_org(), Role::Finance).await;
    finance.get(path).await.refused("role.forbidden");
    let one = format!("{path}/{}", rows["items"][0]["id"].as_str().unwrap());
    let detail = developer.get(&one).await.expect(200).json();
    for (name, value) in rows["items"][0].as_object().unwrap() {
        assert_eq!(&detail[name], value, "{name}");
    }
    assert_eq!(detail.get("ledger"), None, "that is of money");
    let theirs = one.replace("acme", "other");
    stranger.get(&theirs).await.refused("object.not_found");
}

#[tokio::test]
async fn requests_are_paged_and_filtered() {
    let (app, shop, caller) = month().await;
    let developer = app.member(&caller.test_org(), Role::Developer).await;
    let (mut path, mut seen) = ("/v1/orgs/acme/requests?limit=2".to_owned(), Vec::new());
    loop {
        let page = developer.get(&path).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/orgs/acme/requests?limit=2&cursor={next}");
    }
    assert_eq!(seen.len(), 5);
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let count = async |query: &str| {
        let path = format!("/v1/orgs/acme/requests?{query}");
        developer.get(&path).await.expect(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!(count(&format!("app={}", caller.app)).await, 4);
    assert_eq!(count(&format!("key={}&model={}", caller.key, shop.model)).await, 5);
    assert_eq!(count("outcome=upstream_error").await, 1);
    assert_eq!(count("outcome=ok&from=2026-03-02").await, 1);
    for bad in ["app=x", "outcome=fine", "from=x"] {
        developer.get(&format!("/v1/orgs/acme/requests?{bad}")).await.refused("request.invalid");
    }
}

#[tokio::test]
async fn a_new_org_sees_its_steps_turn_true() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Auditor).await;
    let steps = async || owner.get("/v1/orgs/acme/onboarding").await.expect(200).json();
    assert_eq!(steps().await["first_key_at"], Value::Null);
    let caller = Caller::of(&app, &org).await;
    let step = steps().await;
    assert!(step["first_key_at"].is_string() && step["first_call_at"].is_null());
    assert_eq!(step["app_id"], json!(org.app));
    ingest(&app.app, &[entry(1, &caller.event(&app, &shop, 1, 1))]).await.unwrap();
    let step = steps().await;
    assert!(step["first_call_at"].is_string() && step["first_usage_at"].is_string());
}
