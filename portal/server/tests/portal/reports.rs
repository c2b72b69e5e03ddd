//! Usage, requests and costs: what is asked is in the address, and the figures are the API's own.

use crate::support::{Call, Portal, id, ok};
use axum::response::{IntoResponse as _, Response};
use contract::error::ErrorCode;
use http::{StatusCode, header};
use serde_json::{Value, json};

fn tokens(input: u64, output: u64) -> Value {
    json!({"input": input, "cached_input": 5, "output": output, "reasoning": 7})
}

fn totals(requests: u64, cost: &str) -> Value {
    json!({"requests": requests, "errors": 2, "tokens": tokens(1_000, 200), "cost_usd": cost,
        "units": {"images": 2_345, "audio_ms": 125_999}})
}

fn attempts() -> Value {
    json!([{"deployment_id": id("dep", 1), "provider_id": id("prov", 1),
                "status": 503, "outcome": "upstream_error", "tokens": tokens(77, 0), "units": {},
                "reported": true},
        {"deployment_id": id("dep", 2), "provider_id": id("prov", 1), "status": 0,
                "outcome": "client_gone", "tokens": tokens(0, 0), "overtaken": true},
        {"deployment_id": id("dep", 3), "provider_id": id("prov", 1), "status": 200,
                "outcome": "ok", "tokens": tokens(9, 0), "reported": true, "compared": true}])
}

fn limits() -> Value {
    json!([
        {"limit_id": id("lim", 1), "metric": "money", "window": "month",
            "window_start": 0, "held": 10_000_000, "used": 31_000},
        {"limit_id": id("lim", 2), "metric": null, "window": null, "window_start": 0,
            "held": 1, "used": 1},
    ])
}

fn ledger() -> Value {
    json!([{"id": id("ltx", 1), "kind": "usage", "at": "2026-03-05T14:01:48Z",
                "created_at": "2026-03-05T14:01:49Z", "amount_usd": "0.000031",
                "request_id": id("req", 1), "price_id": id("price", 1), "plan_id": id("plan", 1),
                "corrects": null, "reason": null, "actor_name": null, "entries": [
                    {"account": "wallet", "amount_usd": "0.000031"},
                    {"account": "revenue", "amount_usd": "-0.000031"}]}])
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("req", 1), "{request}");
    match what.as_str() {
        "GET /v1/orgs/acme/usage" => ok(json!({
            "from": "2026-03-04T15:00:00Z", "to": "2026-03-05T15:00:00Z", "bucket": "hour",
            "totals": totals(1_234, "0.000000123"),
            "series": [
                {"at": "2026-03-05T13:00:00Z", "requests": 1_200, "errors": 0,
                    "input_tokens": 900, "output_tokens": 150, "cost_usd": "0.0000001"},
                {"at": "2026-03-05T14:00:00Z", "requests": 34, "errors": 2,
                    "input_tokens": 105, "output_tokens": 57, "cost_usd": "0.000000023"},
            ],
            "by_model": [{"id": id("mdl", 1), "name": "aurora", "totals": totals(1_234, "0.000000123")}],
            "by_app": [{"id": id("app", 1), "name": "Shop", "totals": totals(1_234, "0.000000123")}],
            "newest_at": "2026-03-05T14:01:48Z",
        })),
        "GET /v1/orgs/acme/onboarding" => ok(json!({"first_key_at": null, "first_call_at": null,
            "first_usage_at": "2026-03-05T14:00:00Z", "app_id": null, "sample_model": null})),
        "GET /v1/orgs/acme/plan-months" => ok(json!({"items": [], "has_more": false})),
        "GET /v1/orgs/acme/costs" => ok(json!({
            "from": "2026-03-01T00:00:00Z", "to": "2026-03-06T00:00:00Z",
            "group_by": ["team", "app"],
            "rows": [
                {"groups": [{"id": "t", "name": "Shop floor"}, {"id": "a", "name": "=cmd()"}],
                    "requests": 3, "tokens": tokens(10, 20), "cost_usd": "12.50",
                    "units": {"searches": 1_500}},
                {"groups": [{"id": "t", "name": "Shop floor"}, {"id": "b", "name": "Batch"}],
                    "requests": 1, "tokens": tokens(1, 2), "cost_usd": "0.000000001",
                    "units": {"searches": 41}},
            ],
            "total_usd": "12.500000001", "newest_at": null,
        })),
        "GET /v1/orgs/acme/costs.csv" => {
            let kind = (header::CONTENT_TYPE, "text/csv");
            Some(([kind], "team,cost_usd\nShop floor,12.5\n").into_response())
        }
        "GET /v1/orgs/acme/requests/{request}" => ok(json!({
            "id": id("req", 1), "at": "2026-03-05T14:01:48Z", "team_id": id("team", 1),
            "app_id": id("app", 1), "app_name": "Shop", "key_id": id("key", 1),
            "key_name": "Web", "model_id": id("mdl", 1), "model_name": "aurora",
            "operation": "chat", "stream": true, "outcome": "upstream_cut", "status": 200,
            "error_code": "upstream.cut", "tokens": tokens(120, 30), "estimated": true,
            "units": {"compute_ms": 1_234},
            "cost_usd": "0.000031", "reserved_usd": "0.01", "attempts": 1, "duration_ms": 1_250,
            "first_token_ms": 90, "plan_id": id("plan", 1), "price_id": id("price", 1),
            "gateway_id": id("gw", 1), "config_version": 41, "topped_up": 2, "odd_usage": true,
            "cached": "coalesced", "price_percent": 40,
            "tags": [{"name": "feature", "value": "search"}], "attempts_made": attempts(),
            "limits": limits(), "ledger": ledger(),
        })),
        _ => None,
    }
}

#[tokio::test]
async fn a_span_of_time_is_asked_for_exactly_and_stated_on_the_page() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let page = portal.get("/o/acme/usage?range=24h").await.body;
    assert_eq!(
        portal.asked.last("GET /v1/orgs/acme/usage").query,
        "from=2026-03-04T15%3A00%3A00Z&to=2026-03-05T15%3A00%3A00Z&bucket=hour"
    );
    assert!(
        page.contains("4 Mar 2026, 15:00 UTC until 5 Mar 2026, 15:00 UTC, the end not included")
    );
    assert!(page.contains("The newest call counted came 12 s ago."));
    portal.get("/o/acme/usage?from=2026-02-01&to=2026-03-01&app=app_1").await;
    assert_eq!(
        portal.asked.last("GET /v1/orgs/acme/usage").query,
        "from=2026-02-01T00%3A00%3A00Z&to=2026-03-01T00%3A00%3A00Z&bucket=day&app=app_1"
    );
    let wrong = portal.get("/o/acme/usage?from=2026-03-01&to=2026-02-01").await.body;
    assert!(wrong.contains("Enter two dates"));
}

#[tokio::test]
async fn tiles_chart_table_and_groups_show_the_same_figures() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let page = portal.get("/o/acme/usage?range=24h").await.body;
    assert_eq!(page.matches("1,234").count(), 3, "tile, by model, by app");
    assert!(page.contains("of which 5 from cache") && page.contains("of which 7 for reasoning"));
    for cell in ["5 Mar 13:00", ">1,200<", ">32<"] {
        assert!(page.contains(cell), "{cell} stands in the table beside the chart");
    }
    let spend = portal.get("/o/acme/usage?range=24h&show=spend").await.body;
    assert!(spend.contains("$0.000000023"), "exact to the nano-dollar");
}

#[tokio::test]
async fn what_is_not_counted_in_tokens_stands_beside_them_only_where_it_was_used() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let usage = portal.get("/o/acme/usage?range=24h").await.body;
    assert_eq!(usage.matches("2,345").count(), 3, "tile, by model, by app");
    assert_eq!(usage.matches("2 min 5 s").count(), 3);
    assert!(!usage.contains("Searches") && !usage.contains("Compute"));
    let costs = portal.get("/o/acme/costs?by=team&then=app").await.body;
    for count in ["1,500", "41", "1,541"] {
        assert!(costs.contains(&format!(">Searches: {count}<")), "{count}");
    }
    assert!(!costs.contains("Pictures"));
    let request = portal.get(&format!("/o/acme/requests/{}", id("req", 1))).await.body;
    assert!(request.contains("Compute") && request.contains("1.234 s"));
    assert!(request.contains("Input tokens") && !request.contains("Searches"));
}

#[tokio::test]
async fn who_may_not_see_costs_sees_usage_without_money() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let page = portal.get("/o/acme/usage?show=spend").await.body;
    let (_, main) = page.split_once("<main").unwrap();
    assert!(main.contains("1,234") && !main.contains("Spend") && !page.contains("$0.0"));
    let request = portal.get(&format!("/o/acme/requests/{}", id("req", 1))).await.body;
    assert!(request.contains("1.2 s") && !request.contains("0.000031"));
    for path in ["/o/acme/costs", "/o/acme/costs.csv"] {
        assert_eq!(portal.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_request_shows_its_reservation_price_attempts_limits_and_ledger_to_who_may_see_costs() {
    let here = format!("/o/acme/requests/{}", id("req", 1));
    let mut owner = Portal::start(play).await.signed_in("owner");
    let page = owner.get(&here).await.body;
    for shown in
        ["$0.01", "feature=search", &id("price", 1), ">503<", "Provider error", "Overtaken"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains(&id("lim", 2)), "a limit that is gone is named by its id");
    assert!(page.contains("was not sound") && page.contains("wallet → revenue"));
    assert!(page.contains("with the answer to an identical call, for 40 % of its price"));
    let mut developer = Portal::start(play).await.signed_in("developer");
    let page = developer.get(&here).await.body;
    assert!(page.contains(">503<") && page.contains(&id("lim", 2)));
    assert!(!page.contains("$0.01") && !page.contains("per month"), "money is not theirs to see");
}

#[tokio::test]
async fn home_offers_a_key_only_to_who_may_make_one() {
    let mut finance = Portal::start(play).await.signed_in("finance");
    let home = finance.get("/o/acme").await.body;
    assert!(home.contains("1,234") && !home.contains("/o/acme/keys"));
    let mut developer = Portal::start(play).await.signed_in("developer");
    assert!(developer.get("/o/acme").await.body.contains("/o/acme/keys/new"));
}

#[tokio::test]
async fn costs_are_split_as_asked_and_every_amount_lines_up_to_the_nano_dollar() {
    let mut portal = Portal::start(play).await.signed_in("finance");
    let page = portal.get("/o/acme/costs?by=team&then=app").await.body;
    assert_eq!(
        portal.asked.last("GET /v1/orgs/acme/costs").query,
        "from=2026-03-01T00%3A00%3A00Z&to=2026-03-06T00%3A00%3A00Z&group_by=team&group_by=app"
    );
    for amount in ["$12.500000000", "$0.000000001", "$12.500000001"] {
        assert!(page.contains(amount), "{amount}");
    }
    portal.get("/o/acme/costs?by=nonsense&then=nonsense").await;
    assert!(portal.asked.last("GET /v1/orgs/acme/costs").query.ends_with("&group_by=team"));
}

#[tokio::test]
async fn the_file_is_the_control_apis_own_under_a_telling_name() {
    let mut portal = Portal::start(play).await.signed_in("finance");
    let file = portal.get("/o/acme/costs.csv?from=2026-02-01&to=2026-03-01&by=model").await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        file.headers["content-disposition"],
        "attachment; filename=\"costs-acme-2026-02-01-2026-03-01.csv\""
    );
    assert_eq!(file.body, "team,cost_usd\nShop floor,12.5\n");
    assert!(portal.asked.last("GET /v1/orgs/acme/costs.csv").query.contains("group_by=model"));
}

#[tokio::test]
async fn a_request_is_found_by_its_id_and_says_what_was_counted_by_us() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let here = format!("/o/acme/requests/{}", id("req", 1));
    let found = portal.get(&format!("/o/acme/requests?id=+{}+", id("req", 1))).await;
    assert_eq!((found.status, found.to()), (StatusCode::SEE_OTHER, here.as_str()));
    let page = portal.get(&here).await.body;
    assert!(page.contains("The provider reported no usage"));
    assert!(page.contains(&format!("/docs/errors/{}", ErrorCode::UpstreamCut)));
    assert!(page.contains("$0.000031") && page.contains("90 ms"));
    let missing = portal.get(&format!("/o/acme/requests/{}", id("req", 2))).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
