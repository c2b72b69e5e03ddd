//! Tariffs of plans: written by operators as words, read by tenants as sentences and figures.

use crate::support::{Call, Portal, id, ok, product, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn tariff() -> Value {
    json!({"included": {"calls": 5, "tokens": {"input": 1_000_000}},
        "tiers": [{"above": 2_000_000, "input_usd": "0.50", "output_usd": "1.50",
            "cached_input_usd": "0.05"}],
        "minimum_usd": "20.00"})
}

fn plan() -> Value {
    json!({"id": id("plan", 1), "product_id": id("prod", 1), "slug": "s", "name": "Small",
        "description": "", "approval": "auto", "default_for_new_apps": true,
        "output_tokens_max": null, "prices": [], "version": 4, "limits": [],
        "unknown_policy": "bill_reserved", "tariff": tariff(),
        "tariff_next": {"from": "2026-04-01T00:00:00Z", "tariff": {"minimum_usd": "30.00"}}})
}

fn month() -> Value {
    json!({"plan_id": id("plan", 1), "plan_name": "Small", "product_name": "Aurora",
        "month": "2026-03", "tariff": tariff(), "used": [{"model_id": id("mdl", 1),
            "model_name": "aurora-mini", "used": {"calls": 7, "tokens": {"input": 3_000_000}}}],
        "billed_usd": "3.00", "tariff_usd": "-1.25", "days": 31, "minimum_usd": "20.00",
        "missing_usd": "18.25", "total_usd": "20.00", "posted_usd": "0.00", "closed_at": null})
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("prod", 1), "{product}").replace(&id("plan", 1), "{plan}");
    match what.as_str() {
        "GET /v1/admin/products/{product}" => ok(product()),
        "GET /v1/admin/products/{product}/plans" => page(&[plan()]),
        "GET /v1/admin/models" => page(&[]),
        "PATCH /v1/admin/plans/{plan}" if call.body["tariff"]["tiers"][0]["above"] == 7 => {
            refusal(ErrorCode::RequestInvalid, &[("/tariff/tiers/0/above", "Seven is no good.")])
        }
        "PATCH /v1/admin/plans/{plan}" => ok(plan()),
        "GET /v1/catalog/aurora" => ok(json!({"id": id("prod", 1), "slug": "aurora",
            "name": "Aurora", "kind": "model", "summary": "", "description": "", "models": [],
            "plans": [plan()]})),
        "GET /v1/orgs/acme/costs" => ok(json!({"from": AT, "to": "2026-03-05T15:00:00Z",
            "group_by": ["team"], "rows": [], "total_usd": "3.00", "newest_at": null})),
        "GET /v1/orgs/acme/plan-months" => page(&[month()]),
        _ => None,
    }
}

#[tokio::test]
async fn a_plans_terms_are_written_as_words_and_come_back_as_they_were_written() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/products/{}/plans/{}", id("prod", 1), id("plan", 1));
    let page = portal.get(&here).await.body;
    for words in [
        "Included each month, of each model: 5 calls, 1,000,000 input tokens",
        "input $0.50, output $1.50, cached input $0.05 per million",
        "At least $20.00 a month",
        "on: At least $30.00 a month",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("value=\"30.00\""), "the form shows what will be");
    let terms = |tiers: &'static str| {
        [
            ("version", "4"),
            ("unknown_policy", "forgive"),
            ("included", "input=1000000\ncalls=5"),
            ("tiers", tiers),
            ("minimum_usd", "25"),
        ]
    };
    let post = format!("{here}/terms");
    let lines =
        "above=2000000 input=0.50 output=1.5\r\nabove=9000000 input=0.1 output=1 reasoning=2";
    assert_eq!(portal.post(&post, &terms(lines)).await.to(), here);
    let sent = portal.asked.last(&format!("PATCH /v1/admin/plans/{}", id("plan", 1)));
    assert_eq!(sent.headers["if-match"], "\"4\"");
    let (body, tariff) = (&sent.body, &sent.body["tariff"]);
    assert_eq!(body["unknown_policy"], "forgive");
    assert_eq!(
        (&tariff["included"]["calls"], &tariff["minimum_usd"]),
        (&json!(5), &json!("25.00"))
    );
    assert_eq!(tariff["included"]["tokens"]["input"], 1_000_000);
    assert_eq!(tariff["tiers"][1]["above"], 9_000_000);
    assert_eq!(tariff["tiers"][1]["reasoning_usd"], "2.00");
    // What the portal cannot read, and what the control API refuses, are both told at the field.
    portal.post(&post, &terms("above=5 inputs=1 output=1")).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("no class called inputs"), "{page}");
    portal.post(&post, &terms("</textarea><b>&lt;")).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("&lt;/textarea>&lt;b>&amp;lt;"), "what was typed is never markup");
    portal.post(&post, &terms("above=7 input=1 output=1")).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("Seven is no good.") && page.contains("field-tiers"), "{page}");
    // At the field, and what was typed stays there.
    assert!(page.contains("aria-invalid=\"true\""), "{page}");
    assert!(page.contains("above=7 input=1 output=1</textarea>"), "{page}");
    assert!(page.contains("value=\"25\""), "{page}");
    let nothing =
        [("version", "4"), ("unknown_policy", "forgive"), ("included", ""), ("tiers", " ")];
    assert_eq!(portal.post(&post, &nothing).await.to(), here);
    let sent = portal.asked.last(&format!("PATCH /v1/admin/plans/{}", id("plan", 1))).body;
    assert_eq!(sent["tariff"], Value::Null, "an empty form is no tariff");
}

#[tokio::test]
async fn tenants_read_what_a_plan_includes_and_what_it_makes_of_the_running_month() {
    let mut portal = Portal::start(play).await;
    let page = portal.get("/catalog/aurora").await.body;
    assert!(page.contains("Included each month, of each model: 5 calls"), "{page}");
    assert!(page.contains("Beyond 2,000,000 tokens of a class"));
    let mut finance = Portal::start(play).await.signed_in("finance");
    let page = finance.get("/o/acme/costs").await.body;
    for words in [
        "Plans this month, so far",
        "aurora-mini: 7 calls, 3,000,000 input tokens",
        "−$1.25",
        "$18.25",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}
