//! Wallets, ledgers, calls of unknown outcome and the platform's health: what is shown is what the
//! API says, and what an operator types is sent on as typed.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T12:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn wallet() -> Value {
    json!({"billing": "prepaid", "balance_usd": "15.00", "floor_usd": "1.00", "held_usd": "6.00",
        "available_usd": "8.00", "owed_usd": "0.50", "as_of": AT, "version": 3,
        "credits": [{"id": id("crd", 1), "kind": "grant", "amount_usd": "20.00",
            "remaining_usd": "15.00", "priority": 10, "expires_at": "2026-04-01T00:00:00Z",
            "note": "For the <trial>", "created_at": AT}]})
}

fn account() -> Value {
    json!({"id": id("org", 1), "slug": "acme", "name": "Acme", "suspended": false,
        "billing": "prepaid", "balance_usd": "15.00", "floor_usd": "1.00", "owed_usd": "0.50",
        "overrun_usd": "0.25", "created_at": AT, "version": 3})
}

fn billed() -> Value {
    json!({"id": id("ltx", 1), "kind": "usage", "at": AT, "created_at": AT, "amount_usd": "4.00",
        "request_id": id("req", 1), "price_id": id("price", 1), "plan_id": id("plan", 1),
        "corrects": null, "reason": null, "actor_name": null, "entries": [
            {"account": "wallet", "amount_usd": "4.00"},
            {"account": "revenue", "amount_usd": "-4.00"}]})
}

fn unknown(state: &str) -> Value {
    json!({"request_id": id("req", 2), "at": AT, "org_id": id("org", 1), "org_slug": "acme",
        "app_id": id("app", 1), "app_name": "Shop", "model_name": "aurora",
        "reserved_usd": "0.75", "state": state, "policy": "forgive", "unknown_at": AT,
        "resolved_at": null, "reason": null, "actor_name": null, "transaction_id": null})
}

fn health(problems: &[&str], is_redis_there: bool) -> Value {
    let gateway = json!({"id": id("gw", 1), "at": AT, "live": false, "config_version": 40, "skew": 2,
        "spool_events": 12, "spool_bytes": 4_096, "intents_open": 1, "reservations": 3,
        "oldest_reservation_ms": 61_000, "held_usd": "0.30"});
    json!({"at": AT, "problems": problems,
        "ledger_lag_ms": is_redis_there.then_some(1_500),
        "stream": is_redis_there.then(|| json!({"length": 7, "pending": 5})),
        "rollups_waiting": 2, "config_version": 42,
        "gateways": is_redis_there.then(|| vec![gateway]), "dead_letters": 0, "unknowns_open": 1,
        "unknowns": 1, "unknowns_reserved_usd": "0.75", "unbalanced": 0, "leaks": 3,
        "overrun_usd": "0.00"})
}

fn play(call: &Call) -> Option<Response> {
    let mut what = call.what.clone();
    for (kind, n, name) in [("ltx", 1, "{transaction}"), ("req", 2, "{request}")] {
        what = what.replace(&id(kind, n), name);
    }
    match what.as_str() {
        "GET /v1/orgs/acme/wallet" | "GET /v1/admin/orgs/acme/wallet" => ok(wallet()),
        "GET /v1/orgs/acme/ledger" | "GET /v1/admin/orgs/acme/ledger" => page(&[billed()]),
        "GET /v1/orgs/acme/unknowns" | "GET /v1/admin/unknowns" => page(&[unknown("unknown")]),
        "GET /v1/admin/orgs" => page(&[account()]),
        "GET /v1/admin/orgs/acme" | "PATCH /v1/admin/orgs/acme/billing" => ok(account()),
        "POST /v1/admin/orgs/acme/credits" if call.body["priority"] == 7 => {
            refusal(ErrorCode::RequestInvalid, &[("/priority", "Not that one.")])
        }
        "POST /v1/admin/orgs/acme/credits" => ok(wallet()["credits"][0].clone()),
        "POST /v1/admin/ledger/{transaction}/corrections" => ok(billed()),
        "POST /v1/admin/unknowns/{request}/resolve" => ok(unknown("settled")),
        "GET /v1/admin/health" => ok(health(&["3 reservations leak."], true)),
        "GET /v1/admin/deployments/health" => ok(json!({"at": AT, "gateways": 2, "deployments": [
            {"deployment_id": id("dep", 1), "model_id": id("mdl", 1), "model_name": "aurora",
                "provider_name": "Beacon", "region": "eu-central-1", "breaker": "open",
                "share_percent": 50, "in_flight": 3, "first_content_ms": 181, "answered": 1_200,
                "failed": 34, "opened": 2},
        ]})),
        _ => None,
    }
}

fn blind(call: &Call) -> Option<Response> {
    match call.what.as_str() {
        "GET /v1/admin/health" => ok(health(&["Redis cannot be asked."], false)),
        "GET /v1/admin/deployments/health" => ok(json!({"at": AT, "deployments": []})),
        _ => None,
    }
}

#[tokio::test]
async fn who_may_see_costs_sees_the_wallet_with_what_is_held_and_every_movement() {
    let mut finance = Portal::start(play).await.signed_in("finance");
    let page = finance.get("/o/acme/billing?kind=usage").await.body;
    for shown in ["$15.00", "$6.00", "$8.00", "$1.00", "$0.50", "1 Apr 2026", "Given"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("For the &lt;trial&gt;"), "what was typed is never markup");
    assert!(page.contains("wallet → revenue") && page.contains(&id("req", 1)));
    assert!(
        !page.contains(&format!("/o/acme/requests/{}", id("req", 1))),
        "requests are not theirs"
    );
    assert_eq!(finance.asked.last("GET /v1/orgs/acme/ledger").query, "kind=usage");
    let page = finance.get("/o/acme/unknowns").await.body;
    assert!(page.contains("$0.75") && page.contains("Forgiven") && page.contains(&id("req", 2)));
    let mut developer = Portal::start(play).await.signed_in("developer");
    for path in ["/o/acme/billing", "/o/acme/unknowns"] {
        assert_eq!(developer.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let mut owner = Portal::start(play).await.signed_in("owner");
    for path in ["/admin/orgs", "/admin/orgs/acme", "/admin/unknowns", "/admin/health"] {
        assert_eq!(owner.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn who_pays_afterwards_is_shown_what_is_owed_and_no_empty_credit() {
    let mut finance = Portal::start(|call| match call.what.as_str() {
        "GET /v1/orgs/acme/wallet" => {
            let mut wallet = wallet();
            wallet["billing"] = json!("postpaid");
            wallet["credits"] = json!([]);
            ok(wallet)
        }
        _ => play(call),
    })
    .await
    .signed_in("finance");
    let page = finance.get("/o/acme/billing").await.body;
    assert!(page.contains("Owed") && page.contains("$0.50"));
    assert!(!page.contains("Balance") && !page.contains("No credit is left."));
}

#[tokio::test]
async fn an_operator_changes_how_an_org_pays_gives_credit_and_corrects() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    assert!(portal.get("/admin/orgs").await.body.contains("/admin/orgs/acme"));
    let here = "/admin/orgs/acme";
    assert!(portal.get(here).await.body.contains("$15.00"));
    let pays = [("version", "3"), ("billing", "prepaid"), ("floor_usd", "1.5")];
    assert_eq!(portal.post(&format!("{here}/billing"), &pays).await.to(), here);
    let sent = portal.asked.last("PATCH /v1/admin/orgs/acme/billing");
    assert_eq!(sent.body, json!({"billing": "prepaid", "floor_usd": "1.50"}));
    assert_eq!(sent.headers["if-match"], "\"3\"");
    let credit = |priority, amount| {
        [
            ("kind", "purchase"),
            ("amount_usd", amount),
            ("priority", priority),
            ("expires_at", "2026-06-01T00:00"),
            ("note", "Invoice 7"),
        ]
    };
    portal.post(&format!("{here}/credits"), &credit("20", "25")).await;
    let sent = portal.asked.last("POST /v1/admin/orgs/acme/credits").body;
    assert_eq!(
        sent,
        json!({"kind": "purchase", "amount_usd": "25.00", "priority": 20,
            "expires_at": "2026-06-01T00:00:00Z", "note": "Invoice 7"})
    );
    portal.post(&format!("{here}/credits"), &credit("7", "25")).await;
    let page = portal.get(here).await.body;
    assert!(page.contains("Not that one.") && page.contains("value=\"Invoice 7\""));
    portal.post(&format!("{here}/credits"), &credit("20", "much")).await;
    assert!(portal.get(here).await.body.contains("Enter dollars"));
    assert_eq!(portal.asked.count("POST /v1/admin/orgs/acme/credits"), 2);
    let correct = format!("{here}/ledger/{}/correct", id("ltx", 1));
    portal.post(&correct, &[("amount_usd", "-1.25"), ("reason", "An apology")]).await;
    let sent = portal.asked.last(&format!("POST /v1/admin/ledger/{}/corrections", id("ltx", 1)));
    assert_eq!(sent.body, json!({"amount_usd": "-1.25", "reason": "An apology"}));
}

#[tokio::test]
async fn an_operator_ends_a_call_of_unknown_outcome_by_the_providers_report_or_without_it() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let path = format!("/admin/unknowns/{}/resolve", id("req", 2));
    let api = format!("POST /v1{path}");
    let report = [
        ("resolution", "usage"),
        ("input", "120"),
        ("cached_input", ""),
        ("output", "30"),
        ("reason", "Their record"),
    ];
    assert_eq!(portal.post(&path, &report).await.to(), "/admin/unknowns");
    let sent = portal.asked.last(&api).body;
    assert_eq!((&sent["tokens"]["input"], &sent["tokens"]["output"]), (&json!(120), &json!(30)));
    portal.post(&path, &[("resolution", "forgive"), ("input", "5"), ("reason", "r")]).await;
    let sent = portal.asked.last(&api).body;
    assert_eq!((&sent["resolution"], &sent["tokens"]), (&json!("forgive"), &Value::Null));
    portal.post(&path, &[("resolution", "usage"), ("input", "many"), ("reason", "r")]).await;
    assert_eq!(portal.asked.count(&api), 2);
    assert!(portal.get("/admin/unknowns").await.body.contains("Enter a whole number."));
    portal.post(&path, &[("resolution", "usage"), ("input", "0"), ("reason", "r")]).await;
    assert_eq!(portal.asked.count(&api), 2, "a report of nothing is no report");
    assert!(portal.get("/admin/unknowns").await.body.contains("Say what the provider reports"));
    let rest = [("resolution", "usage"), ("image_output", "7"), ("searches", "2"), ("reason", "r")];
    portal.post(&path, &rest).await;
    let sent = portal.asked.last(&api).body;
    assert_eq!(
        (&sent["tokens"]["image_output"], &sent["units"]["searches"]),
        (&json!(7), &json!(2))
    );
}

#[tokio::test]
async fn health_says_what_is_wrong_and_what_nobody_can_say_now() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let page = portal.get("/admin/health").await.body;
    for shown in ["3 reservations leak.", "Silent", &id("gw", 1), "$0.30", "1.5 s"] {
        assert!(page.contains(shown), "{shown}");
    }
    for shown in [
        "aurora",
        "Beacon",
        "eu-central-1",
        "Failing, rests",
        "gets 50 % of its weight",
        "181 ms to the first content",
        "34 of 1,234",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let mut portal = Portal::start(blind).await.signed_in("operator");
    let page = portal.get("/admin/health").await.body;
    assert!(page.contains("Redis cannot be asked.") && page.contains("Unknown now"));
    assert!(page.contains("so nobody knows how they do"));
}
