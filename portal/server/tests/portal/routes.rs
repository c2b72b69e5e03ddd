//! Pages of routes: an org's own and the platform's, with what is wrong at its line.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn policy(pick: &str) -> Value {
    json!({"rules": [{"name": "all", "pick": pick}]})
}

fn route() -> Value {
    json!({"id": id("rte", 1), "model_id": id("mdl", 1), "model_name": "aurora", "number": 2,
        "active": 1, "policy": policy("latency"), "created_at": AT, "version": 7})
}

fn version(n: u8, pick: &str, note: &str) -> Value {
    json!({"id": id("rtv", n), "number": n, "policy": policy(pick), "note": note,
        "created_by_name": "Ada", "created_at": AT})
}

fn place() -> Value {
    json!({"deployment_id": id("dep", 1), "model_id": id("mdl", 1), "model_name": "aurora",
        "region": "eu-central-1", "weight": 100})
}

fn side(part: Value, calls: u64, errors: u64) -> Value {
    json!({"number": 2, "rule": "all", "part": part, "shadow": false, "calls": calls,
        "errors": errors, "retried": 3, "p50_ms": 420, "p95_ms": 1_300, "input_tokens": 9_000,
        "output_tokens": 1_000, "cost_usd": "1.25", "mean_cost_usd": "0.0025"})
}

fn outcomes() -> Value {
    json!({"from": AT, "to": AT, "method": "As Newcombe <1998> has it.",
        "sides": [side(Value::Null, 1_500, 30), side(json!("candidate"), 500, 4)],
        "comparisons": [{"number": 2, "rule": "all", "part": "candidate", "shadow": false,
            "errors": {"per_million": -12_000, "low": -20_500, "high": -1_000, "is_sure": true},
            "mean_cost": {"usd": "0.0001", "low": "-0.0002", "high": "0.0004",
                "is_sure": false}}]})
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("rte", 1), "{route}").replace("/admin/", "/orgs/acme/");
    let is_bad = call.body["policy"]["rules"][0]["when"] == "org > 3";
    match what.as_str() {
        "POST /v1/orgs/acme/routes" | "PATCH /v1/orgs/acme/routes/{route}" if is_bad => refusal(
            ErrorCode::RequestInvalid,
            &[("/policy/rules/0/when", "line 1, column 5: no."), ("/policy/regions/0", "Nobody.")],
        ),
        "GET /v1/orgs/acme/routes" => ok(json!({"items": [route()], "has_more": false})),
        "GET /v1/orgs/acme/routes/{route}"
        | "POST /v1/orgs/acme/routes"
        | "PATCH /v1/orgs/acme/routes/{route}"
        | "PATCH /v1/orgs/acme/routes/{route}/active" => ok(route()),
        "GET /v1/orgs/acme/routes/{route}/versions" => ok(json!({"has_more": false,
            "items": [version(2, "latency", "Faster"), version(1, "weighted", "<b>First</b>")]})),
        "GET /v1/orgs/acme/routes/{route}/outcomes" => ok(outcomes()),
        "GET /v1/orgs/acme/routes/places" => ok(json!([place()])),
        "GET /v1/orgs/acme/models" => ok(json!({"items": [], "has_more": false})),
        "DELETE /v1/orgs/acme/routes/{route}" => ok(Value::Null),
        "POST /v1/routes/explain" => ok(json!({"route_id": id("rte", 1), "number": 1,
        "complexity": 40, "gateways": 2, "rules": [{"name": "all", "matched": true}], "places": [
            {"deployment_id": id("dep", 1), "model_name": "aurora", "region": "eu-central-1",
                "weight": 100, "first_of_1000": 1000, "cost_usd": "0.0006", "health":
                    {"breaker": "recovering", "share_percent": 55, "latency_ms": 180, "in_flight": 7}},
            {"deployment_id": id("dep", 2), "model_name": "aurora", "region": "us-east-1",
                "weight": 100, "first_of_1000": 0, "skipped": "region"},
        ]})),
        _ => None,
    }
}

#[tokio::test]
async fn a_route_is_shown_with_its_versions_and_any_of_them_can_be_made_to_count() {
    for (role, base) in [("owner", "/o/acme/routes"), ("operator", "/admin/routes")] {
        let mut portal = Portal::start(play).await.signed_in(role);
        let list = portal.get(base).await.body;
        assert!(
            list.contains("aurora") && list.contains("Version 1") && list.contains("Version 2")
        );
        let one = format!("{base}/{}", id("rte", 1));
        let page = portal.get(&one).await.body;
        assert!(page.contains("Faster") && page.contains("&lt;b&gt;First&lt;/b&gt;"), "{base}");
        assert!(
            page.contains("&quot;pick&quot;: &quot;latency&quot;")
                || page.contains("\"pick\": \"latency\"")
        );
        for told in ["1,500", "candidate", "420 ms", "1.3 s", "As Newcombe &lt;1998&gt; has it."] {
            assert!(page.contains(told), "{base}: {told}");
        }
        let fields = [("version", "7"), ("active", "2")];
        let answer = portal.post(&format!("{one}/active"), &fields).await;
        assert_eq!(answer.to(), one);
        let api = if role == "owner" { "orgs/acme" } else { "admin" };
        let what = format!("PATCH /v1/{api}/routes/{}/active", id("rte", 1));
        let asked = portal.asked.last(&what);
        assert_eq!(
            (asked.body["active"].clone(), asked.headers["if-match"].to_str().unwrap()),
            (json!(2), "\"7\"")
        );
        portal.post(&format!("{one}/active"), &[("version", "7")]).await;
        assert_eq!(portal.asked.last(&what).body["active"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_said_with_its_line_and_what_was_typed_stays() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let typed = "{\n \"rules\": [\n  {\"name\": \"a\",\n   \"when\": \"org > 3\", \"pick\": \"ordered\"}\n ]\n}";
    let model = id("mdl", 1);
    let fields = [("model_id", model.as_str()), ("policy", typed)];
    let answer = portal.post("/o/acme/routes", &fields).await;
    assert_eq!(answer.to(), "/o/acme/routes/new");
    let page = portal.get("/o/acme/routes/new").await.body;
    assert!(page.contains("Line 4 (rules/0/when): line 1, column 5: no."), "{page}");
    assert!(page.contains("Line 1 (regions/0): Nobody."));
    assert!(page.contains("org > 3"), "what was typed is there");
    assert!(page.contains(&id("dep", 1)), "what may be named is beside it");

    let one = format!("/o/acme/routes/{}", id("rte", 1));
    let typed = "{\n \"rules\": 3} </textarea><b>&lt;";
    portal.post(&one, &[("version", "7"), ("policy", typed)]).await;
    let page = portal.get(&one).await.body;
    assert!(page.contains("3} &lt;/textarea>&lt;b>&amp;lt;"), "what was typed is never markup");
    assert!(page.contains("This is not the JSON of a policy.") && page.contains("at line 2"));
    assert_eq!(portal.asked.count(&format!("PATCH /v1/orgs/acme/routes/{}", id("rte", 1))), 0);
}

#[tokio::test]
async fn an_explanation_shows_the_order_and_why_the_others_are_not_used() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let fields = [("model", "aurora"), ("call", "{\"tools\": 2}"), ("policy", "")];
    let answer = portal.post("/o/acme/routes/explain", &fields).await;
    assert_eq!(answer.to(), "/o/acme/routes/explain");
    let asked = portal.asked.last("POST /v1/routes/explain").body;
    assert_eq!((asked["org"].clone(), asked["call"]["tools"].clone()), (json!("acme"), json!(2)));
    assert_eq!(asked["policy"], Value::Null);
    let page = portal.get("/o/acme/routes/explain").await.body;
    assert!(
        page.contains("in a region where the call may not be answered")
            && page.contains("Version 1")
    );
    assert!(page.contains("{\"tools\": 2}"), "what was typed is there");
    let health = "gets 55 % of its weight, takes 180 ms, 7 calls now";
    assert!(page.contains("Recovering") && page.contains(health));
    portal.post("/o/acme/routes/explain", &[("model", "aurora"), ("call", "{\"tool\": 2}")]).await;
    let page = portal.get("/o/acme/routes/explain").await.body;
    assert!(page.contains("This is not the JSON of a call. unknown field"), "{page}");
}

#[tokio::test]
async fn a_developer_reads_routes_and_finance_finds_none() {
    let mut developer = Portal::start(play).await.signed_in("developer");
    let one = format!("/o/acme/routes/{}", id("rte", 1));
    let page = developer.get(&one).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("Make it count") && !page.body.contains("<textarea"));
    assert_eq!(developer.get("/o/acme/routes/new").await.status, StatusCode::FORBIDDEN);
    let mut finance = Portal::start(play).await.signed_in("finance");
    assert_eq!(finance.get("/o/acme/routes").await.status, StatusCode::FORBIDDEN);
    assert!(!finance.get("/o/acme/budgets").await.body.contains("/o/acme/routes"));
    let answer = finance.get("/admin/routes").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
