//! Answers that are given again: what operators write of them, what tenants read, and throwing them
//! away.

use crate::support::{Call, Portal, id, ok, product, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn cache() -> Value {
    json!({"exact": "all", "ttl_s": 900, "scope": "team", "hit_price_percent": 0,
        "semantic": {"model_id": id("mdl", 2), "alike_min": 955}, "coalesce": true,
        "coalesced_price_percent": 40})
}

fn plan() -> Value {
    json!({"id": id("plan", 1), "product_id": id("prod", 1), "slug": "s", "name": "Small",
        "description": "", "approval": "auto", "default_for_new_apps": true,
        "output_tokens_max": null, "prices": [], "version": 4, "limits": [],
        "unknown_policy": "forgive", "cache": cache()})
}

fn model(n: u8, name: &str, modality: &str, state: &str) -> Value {
    json!({"id": id("mdl", n), "name": name, "display_name": name, "modality": modality,
        "state": state, "context_tokens_max": 8_000, "output_tokens_max": 0, "deployments": [],
        "price": null, "created_at": AT, "version": 1})
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("prod", 1), "{product}").replace(&id("plan", 1), "{plan}");
    match what.as_str() {
        "GET /v1/admin/products/{product}" => ok(product()),
        "GET /v1/admin/products/{product}/plans" => page(&[plan()]),
        "GET /v1/admin/models" => page(&[
            model(1, "aurora-chat", "chat", "active"),
            model(2, "aurora-embed", "embedding", "retired"),
            model(3, "boreas-embed", "embedding", "active"),
            model(4, "old-embed", "embedding", "retired"),
        ]),
        "PATCH /v1/admin/plans/{plan}" if call.body["cache"]["ttl_s"] == 0 => {
            refusal(ErrorCode::RequestInvalid, &[("/cache/ttl_s", "A week at most.")])
        }
        "PATCH /v1/admin/plans/{plan}" if call.body["cache"]["semantic"]["alike_min"] == 400 => {
            refusal(
                ErrorCode::RequestInvalid,
                &[
                    ("/cache/semantic/alike_min", "Not so little."),
                    ("/cache/semantic/model_id", "That one is retired."),
                ],
            )
        }
        "PATCH /v1/admin/plans/{plan}" => ok(plan()),
        "POST /v1/admin/products/{product}/plans" => ok(plan()),
        "POST /v1/admin/products/{product}/cache/purge" | "POST /v1/orgs/acme/cache/purge" => {
            ok(json!({"purges": 3}))
        }
        "GET /v1/catalog/aurora" => ok(json!({"id": id("prod", 1), "slug": "aurora",
            "name": "Aurora", "kind": "model", "summary": "", "description": "", "models": [],
            "plans": [plan()]})),
        "GET /v1/orgs/acme" => ok(json!({"id": id("org", 1), "slug": "acme", "name": "Acme",
            "suspended": false, "created_at": AT, "version": 1})),
        "GET /v1/orgs/acme/limits" => page(&[]),
        "GET /v1/orgs/acme/limits/effective" => page(&[]),
        _ => None,
    }
}

#[tokio::test]
async fn what_a_plan_keeps_is_written_in_its_form_and_comes_back_as_it_was_written() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/products/{}/plans/{}", id("prod", 1), id("plan", 1));
    let shown = portal.get(&here).await.body;
    for words in
        ["value=\"900\"", "value=\"40\"", "Calls at any temperature", "name=\"cache_coalesce\""]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let terms = |ttl: &'static str, percent: &'static str| {
        [
            ("version", "4"),
            ("unknown_policy", "forgive"),
            ("cache_exact", "deterministic"),
            ("cache_ttl_s", ttl),
            ("cache_scope", "org"),
            ("cache_hit_price_percent", percent),
            ("cache_coalesced_price_percent", "100"),
            ("priority", "7"),
        ]
    };
    let post = format!("{here}/terms");
    assert_eq!(portal.post(&post, &terms("60", "10")).await.to(), here);
    let sent = portal.asked.last(&format!("PATCH /v1/admin/plans/{}", id("plan", 1))).body;
    assert_eq!(
        sent["cache"],
        json!({"exact": "deterministic", "ttl_s": 60, "scope": "org", "hit_price_percent": 10,
            "coalesce": false, "coalesced_price_percent": 100})
    );
    assert_eq!(sent["priority"], 7);
    // What the portal cannot read, and what the control API refuses, are both told at the field.
    portal.post(&post, &terms("60", "a tenth")).await;
    let shown = portal.get(&here).await.body;
    assert!(shown.contains("Enter a whole number from 0 to 100."), "{shown}");
    portal.post(&post, &terms("0", "10")).await;
    let shown = portal.get(&here).await.body;
    assert!(shown.contains("A week at most.") && shown.contains("field-cache_ttl_s"), "{shown}");

    let product = format!("/admin/products/{}", id("prod", 1));
    let new = [
        ("name", "S"),
        ("slug", "s"),
        ("approval", "auto"),
        ("unknown_policy", "forgive"),
        ("cache_exact", "all"),
        ("cache_ttl_s", "5"),
        ("cache_scope", "app"),
        ("cache_hit_price_percent", "0"),
        ("cache_coalesce", "true"),
        ("cache_coalesced_price_percent", "0"),
    ];
    assert_eq!(portal.post(&format!("{product}/plans"), &new).await.to(), product);
    let sent = portal.asked.last(&format!("POST /v1{product}/plans")).body;
    assert_eq!(
        (&sent["cache"]["exact"], &sent["cache"]["coalesce"]),
        (&json!("all"), &json!(true))
    );
}

#[tokio::test]
async fn by_which_model_calls_are_compared_is_chosen_among_those_that_can_compare() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/products/{}/plans/{}", id("prod", 1), id("plan", 1));
    let shown = portal.get(&here).await.body;
    let compares = shown.split("name=\"cache_semantic_model\"").nth(1).unwrap();
    let compares = compares.split("</select>").next().unwrap();
    // The one that is chosen is there, though it is retired.
    for (name, is_there) in [
        ("aurora-chat", false),
        ("aurora-embed", true),
        ("boreas-embed", true),
        ("old-embed", false),
    ] {
        assert_eq!(compares.contains(name), is_there, "{name}: {compares}");
    }
    assert!(shown.contains("value=\"955\""), "{shown}");
    let terms = |model: &str, alike: &str| {
        [
            ("version", "4".to_owned()),
            ("unknown_policy", "forgive".to_owned()),
            ("cache_exact", "all".to_owned()),
            ("cache_ttl_s", "60".to_owned()),
            ("cache_scope", "org".to_owned()),
            ("cache_semantic_model", model.to_owned()),
            ("cache_alike_min", alike.to_owned()),
            ("cache_hit_price_percent", "10".to_owned()),
            ("cache_coalesced_price_percent", "100".to_owned()),
        ]
    };
    let post = format!("{here}/terms");
    let patch = format!("PATCH /v1/admin/plans/{}", id("plan", 1));
    let embed = id("mdl", 3);
    portal.post(&post, &terms(&embed, "970").each_ref().map(|(k, v)| (*k, v.as_str()))).await;
    let sent = portal.asked.last(&patch).body;
    assert_eq!(sent["cache"]["semantic"], json!({"model_id": embed, "alike_min": 970}));
    portal.post(&post, &terms("", "970").each_ref().map(|(k, v)| (*k, v.as_str()))).await;
    assert_eq!(portal.asked.last(&patch).body["cache"]["semantic"], Value::Null);
    portal.post(&post, &terms(&embed, "alike").each_ref().map(|(k, v)| (*k, v.as_str()))).await;
    let shown = portal.get(&here).await.body;
    assert!(shown.contains("Enter a whole number from 500 to 1000."), "{shown}");
    portal.post(&post, &terms(&embed, "400").each_ref().map(|(k, v)| (*k, v.as_str()))).await;
    let shown = portal.get(&here).await.body;
    assert!(shown.contains("Not so little.") && shown.contains("field-cache_alike_min"), "{shown}");
    assert!(shown.contains("That one is retired."), "{shown}");
}

#[tokio::test]
async fn tenants_read_what_is_kept_and_what_it_costs_them() {
    let mut portal = Portal::start(play).await;
    let shown = portal.get("/catalog/aurora").await.body;
    for words in [
        "kept for 900 s within the apps of one team; one costs: free",
        "means the same in other words (at least 95.5 % alike)",
        "share one answer; a share costs: 40 % of the call&#x27;s price",
    ] {
        let plain = words.replace("&#x27;", "'");
        assert!(shown.contains(words) || shown.contains(&plain), "{words}: {shown}");
    }
}

#[tokio::test]
async fn what_is_kept_is_thrown_away_by_who_may() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/products/{}", id("prod", 1));
    assert!(portal.get(&here).await.body.contains(&format!("{here}/purge")));
    assert_eq!(portal.post(&format!("{here}/purge"), &[]).await.to(), here);
    assert_eq!(portal.asked.count(&format!("POST /v1{here}/cache/purge")), 1);

    let mut admin = Portal::start(play).await.signed_in("admin");
    let settings = admin.get("/o/acme/settings").await.body;
    assert!(settings.contains("/o/acme/settings/purge"), "{settings}");
    assert_eq!(admin.post("/o/acme/settings/purge", &[]).await.to(), "/o/acme/settings");
    assert_eq!(admin.asked.count("POST /v1/orgs/acme/cache/purge"), 1);
    let mut developer = Portal::start(play).await.signed_in("developer");
    assert!(!developer.get("/o/acme/settings").await.body.contains("settings/purge"));
}
