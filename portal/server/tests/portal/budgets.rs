//! Budgets and webhooks: what forms send, what pages say, who sees them.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn budget() -> Value {
    let days: Vec<_> = (1..=7)
        .map(|day| json!({"day": format!("2026-02-{:02}T00:00:00Z", 21 + day), "cost_usd": "1.50"}))
        .collect();
    json!({"id": id("bud", 1), "name": "Research <b>", "scope": {"kind": "org", "id": id("org", 0)},
        "scope_name": "Acme", "model_id": null, "model_name": null,
        "tag": {"name": "feature", "value": "search"}, "amount_usd": "20", "window": "month",
        "zone": "Europe/Berlin", "thresholds": [50, 80, 100],
        "action": {"kind": "throttle", "percent": 25}, "downgrade_model_name": null,
        "raises": [{"id": id("raise", 1), "add_usd": "5", "starts_at": AT, "ends_at": AT,
            "reason": "Launch night", "created_by_name": "Ada", "created_at": AT}],
        "warnings": [{"kind": "never_reached", "budget_id": id("bud", 2),
            "detail": "“Whole” lets calls cost 10.00 USD at most."}],
        "period": {"from": AT, "until": "2026-03-31T22:00:00Z", "limit_usd": "25",
            "spent_usd": "12.50", "days": days,
            "forecast": {"at_end_usd": "50", "low_usd": "40", "high_usd": "60", "days": 7}},
        "created_at": AT, "version": 3})
}

fn webhook() -> Value {
    json!({"id": id("hook", 1), "url": "https://example.com/hooks", "disabled_at": null,
        "old_secret_until": "2026-03-02T00:00:00Z", "created_at": AT, "version": 2})
}

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("bud", 1), "{b}").replace(&id("hook", 1), "{w}");
    match what.as_str() {
        "GET /v1/orgs/acme/budgets" => page(&[budget()]),
        "POST /v1/orgs/acme/budgets" if call.body["name"] == "Taken" => {
            refusal(ErrorCode::RequestInvalid, &[("/action/percent", "Use 1 to 99 percent.")])
        }
        "POST /v1/orgs/acme/budgets" | "GET /v1/orgs/acme/budgets/{b}" => ok(budget()),
        "POST /v1/orgs/acme/budgets/{b}/raises" => ok(budget()),
        "PATCH /v1/orgs/acme/budgets/{b}" => ok(budget()),
        "GET /v1/orgs/acme/budgets/{b}/alerts" => {
            page(&[json!({"id": id("evt", 1), "percent": 50,
            "period_from": AT, "at": AT, "spent_usd": "12.50", "limit_usd": "25"})])
        }
        "GET /v1/orgs/acme/teams"
        | "GET /v1/orgs/acme/apps"
        | "GET /v1/orgs/acme/keys"
        | "GET /v1/orgs/acme/catalog" => page(&[]),
        "GET /v1/orgs/acme/subscriptions" => page(&[json!({"id": id("sub", 1),
            "app_id": id("app", 1), "app_name": "Shop", "product_id": id("prod", 1),
            "product_slug": "aurora", "product_name": "Aurora", "plan_id": id("plan", 1),
            "plan_name": "Standard", "state": "active", "created_at": AT, "version": 1})]),
        "GET /v1/orgs/acme/webhooks" => page(&[webhook()]),
        "GET /v1/orgs/acme/webhooks/{w}/deliveries" => page(&[json!({"id": id("whd", 1),
            "event_id": id("evt", 1), "kind": "budget.threshold_reached", "state": "failed",
            "attempts": 12, "last_status": 404,
            "last_error": "The receiver did not answer with 2xx.", "created_at": AT,
            "delivered_at": null})]),
        "POST /v1/orgs/acme/webhooks/{w}/rotate" => {
            ok(json!({"webhook": webhook(), "secret": "whsec_new"}))
        }
        _ => None,
    }
}

const NEW: [(&str, &str); 8] = [
    ("_key", "k"),
    ("amount_usd", "12.5"),
    ("window", "month"),
    ("zone", "Europe/Berlin"),
    ("thresholds", "50 %, 80,100"),
    ("action", "throttle"),
    ("percent", "25"),
    ("tag", "feature=search"),
];

fn form<'a>(name: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    [("name", name), ("scope", scope)].into_iter().chain(NEW).collect()
}

#[tokio::test]
async fn a_budget_is_sent_as_it_was_filled_in_also_on_a_plan() {
    let mut finance = Portal::start(play).await.signed_in("finance");
    let offered = finance.get("/o/acme/budgets/new").await.body;
    assert!(offered.contains("Plan: Aurora, Standard") && !offered.contains("Key: "));
    let mut portal = Portal::start(play).await.signed_in("owner");
    let plan = id("plan", 1);
    let new = portal.get("/o/acme/budgets/new").await.body;
    assert!(new.contains("Plan: Aurora, Standard") && new.contains(&plan));
    let answer = portal.post("/o/acme/budgets", &form("Research", &plan)).await;
    assert_eq!(answer.to(), format!("/o/acme/budgets/{}", id("bud", 1)));
    let sent = portal.asked.last("POST /v1/orgs/acme/budgets").body;
    assert_eq!(sent["scope"], json!({"kind": "plan", "id": plan}));
    assert_eq!((&sent["amount_usd"], &sent["zone"]), (&json!("12.50"), &json!("Europe/Berlin")));
    assert_eq!(sent["thresholds"], json!([50, 80, 100]));
    assert_eq!(sent["action"], json!({"kind": "throttle", "percent": 25}));
    assert_eq!(sent["tag"], json!({"name": "feature", "value": "search"}));
}

#[tokio::test]
async fn what_cannot_be_a_budget_comes_back_at_its_field_with_what_was_typed() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let org = id("org", 0);
    let wrong = |field: &'static str, value: &'static str| {
        let mut fields = form("Mine", &org);
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        fields
    };
    for (field, value) in [
        ("amount_usd", "a lot"),
        ("zone", "Mars/Olympus"),
        ("thresholds", "50, half"),
        ("percent", "many"),
        ("tag", "search"),
        ("scope", "nothing"),
    ] {
        let answer = portal.post("/o/acme/budgets", &wrong(field, value)).await;
        assert_eq!(answer.to(), "/o/acme/budgets/new");
        let page = portal.get("/o/acme/budgets/new").await.body;
        assert!(page.contains(&format!("href=\"#field-{field}\"")), "{field}");
        assert!(page.contains("value=\"Mine\""), "{field}");
    }
    assert_eq!(portal.asked.count("POST /v1/orgs/acme/budgets"), 0, "nothing of it can be sent");
    portal.post("/o/acme/budgets", &form("Taken", &org)).await;
    let page = portal.get("/o/acme/budgets/new").await.body;
    assert!(page.contains("href=\"#field-percent\"") && page.contains("Use 1 to 99 percent."));
}

#[tokio::test]
async fn a_budgets_page_says_how_it_stands_what_it_cannot_do_and_how_it_forecasts() {
    let mut portal = Portal::start(play).await.signed_in("finance");
    let own = format!("/o/acme/budgets/{}", id("bud", 1));
    let page = portal.get(&own).await.body;
    assert!(page.contains("$12.50 of $25.00") && page.contains("Europe/Berlin"));
    assert!(page.contains("Research &lt;b&gt;") && !page.contains("Research <b>"));
    assert!(page.contains("“Whole” lets calls cost 10.00 USD at most."));
    assert!(page.contains("between $40.00 and $60.00") && page.contains("the last 7 days"));
    assert!(page.contains("chart-bar") && page.contains("22 Feb") && page.contains("$1.50"));
    assert!(page.contains("Launch night") && page.contains("50 %"));
    let fields = [
        ("add_usd", "5"),
        ("hours", "4"),
        ("reason", "Night"),
        ("_key", "k"),
        ("drawn_at", "2026-03-05T14:00:00.000Z"),
    ];
    portal.post(&format!("{own}/raise"), &fields).await;
    let sent = portal.asked.last(&format!("POST /v1/orgs/acme/budgets/{}/raises", id("bud", 1)));
    assert_eq!(sent.body["ends_at"], "2026-03-05T18:00:00Z");
    assert_eq!((&sent.body["add_usd"], &sent.body["reason"]), (&json!("5.00"), &json!("Night")));
    let auditor = Portal::start(play).await.signed_in("auditor").get(&own).await.body;
    assert!(
        auditor.contains("$12.50 of $25.00")
            && !auditor.contains("<form method=\"post\" action=\"/o/acme/budgets")
    );
    let developer = Portal::start(play).await.signed_in("developer").get(&own).await;
    assert_eq!(developer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_webhooks_messages_are_listed_and_its_new_secret_is_shown_once() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let own = format!("/o/acme/webhooks/{}", id("hook", 1));
    let page = portal.get(&own).await.body;
    assert!(page.contains("budget.threshold_reached") && page.contains("HTTP 404"));
    assert!(page.contains("The receiver did not answer with 2xx."));
    assert!(page.contains("The secret before this one signs until"));
    let answer = portal.post(&format!("{own}/rotate"), &[("_key", "k")]).await;
    assert_eq!(answer.to(), format!("{own}/secret"));
    let shown = portal.get(answer.to()).await;
    assert!(shown.body.contains("whsec_new"));
    let again = portal.get(answer.to()).await;
    assert_eq!(again.to(), "/o/acme/webhooks", "a second look finds nothing");
}
