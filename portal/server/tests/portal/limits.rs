//! The pages of limits: all with their use, one with its overrides, and those of a plan.

use crate::support::{Call, Portal, id, ok, product, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn limit() -> Value {
    json!({"id": id("lim", 1), "scope": {"kind": "app", "id": id("app", 1)},
        "scope_name": "Shop", "metric": "requests", "window": "day",
        "time_zone": "Europe/Berlin", "model_id": id("mdl", 1), "model_name": "aurora-mini",
        "tag": {"name": "feature", "value": "<search>"}, "max": 10, "max_usd": null,
        "without_redis_percent": 5, "created_at": AT, "version": 3,
        "overrides": [{"id": id("ovr", 1), "max": 50, "max_usd": null, "starts_at": AT,
            "ends_at": "2026-03-09T00:00:00Z", "reason": "Launch", "created_by_name": "Ann",
            "created_at": AT}]})
}

fn standing() -> Value {
    json!({"id": id("lim", 1), "kind": "limit", "scope": {"kind": "app", "id": id("app", 1)},
        "scope_name": "Shop", "subscription_id": null, "metric": "requests", "window": "day",
        "sliding": false, "time_zone": "Europe/Berlin", "model_id": id("mdl", 1),
        "model_name": "aurora-mini", "tag": {"name": "feature", "value": "<search>"}, "max": 50,
        "max_usd": null, "is_overridden": true, "used": 12, "used_usd": null, "remaining": 38,
        "remaining_usd": null, "used_percent": 24, "resets_at": AT, "exact": true, "binds": true})
}

fn plan() -> Value {
    json!({"id": id("plan", 1), "product_id": id("prod", 1), "slug": "s", "name": "Small",
        "description": "", "approval": "auto", "default_for_new_apps": true,
        "output_tokens_max": null, "prices": [], "version": 4, "limits": [
            {"metric": "requests", "window": "minute", "max": 60},
            {"metric": "money", "window": "month", "max_usd": "5.00"}]})
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("lim", 1), "{limit}").replace(&id("prod", 1), "{product}");
    match what.replace(&id("ovr", 1), "{override}").replace(&id("plan", 1), "{plan}").as_str() {
        "GET /v1/orgs/acme/limits/effective" => ok(json!({"at": AT, "items": [standing()]})),
        "GET /v1/orgs/acme/limits/{limit}" => ok(limit()),
        "PATCH /v1/orgs/acme/limits/{limit}" if call.headers["if-match"] != "\"3\"" => {
            refusal(ErrorCode::VersionStale, &[])
        }
        "PATCH /v1/orgs/acme/limits/{limit}" => ok(limit()),
        "POST /v1/orgs/acme/limits/{limit}/overrides" if call.body["max"] == 7 => {
            refusal(ErrorCode::RequestInvalid, &[("/max", "Seven is no good.")])
        }
        "POST /v1/orgs/acme/limits/{limit}/overrides" => ok(limit()["overrides"][0].clone()),
        "DELETE /v1/orgs/acme/limits/{limit}/overrides/{override}" => ok(Value::Null),
        "GET /v1/orgs/acme/apps" => page(&[json!({"id": id("app", 1), "team_id": id("team", 0),
            "team_name": "Default", "slug": "shop", "name": "Shop", "description": "",
            "disabled": false, "created_at": AT, "version": 1})]),
        "GET /v1/orgs/acme/catalog" => page(&[json!({"id": id("prod", 1), "slug": "aurora",
            "name": "Aurora", "kind": "model", "summary": "", "modalities": ["chat"],
            "model_names": ["aurora-mini"], "model_ids": [id("mdl", 1)], "input_from_usd": null,
            "from": null, "subscribed_apps": 1})]),
        "GET /v1/admin/products/{product}" => ok(product()),
        "GET /v1/admin/products/{product}/plans" => page(&[plan()]),
        "GET /v1/admin/models" => page(&[]),
        "PATCH /v1/admin/plans/{plan}/limits" if call.body["limits"][0]["max"] == 7 => {
            refusal(ErrorCode::RequestInvalid, &[("/limits/0/max", "Seven is no good.")])
        }
        "PATCH /v1/admin/plans/{plan}/limits" => ok(plan()),
        _ => None,
    }
}

#[tokio::test]
async fn all_limits_show_their_use_and_which_binds_for_what_is_asked() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let asked = format!("/o/acme/limits?app={}&with=feature%3Dsearch", id("app", 1));
    let page = portal.get(&asked).await.body;
    let sent = portal.asked.last("GET /v1/orgs/acme/limits/effective").query;
    assert_eq!(sent, format!("app={}&tag=feature%3Dsearch", id("app", 1)));
    for words in ["12 of 50", "Binds first", "Overridden", "Europe/Berlin", "of aurora-mini"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("&lt;search>") || page.contains("&lt;search&gt;"));
    assert!(!page.contains("<search>") && !page.contains("Set a limit"));
    let mut owner = Portal::start(play).await.signed_in("owner");
    let page = owner.get("/o/acme/limits").await.body;
    assert!(page.contains("Set a limit"));
    assert_eq!(page.matches("id=\"field-tag\"").count(), 1, "each label has a field of its own");
}

#[tokio::test]
async fn a_limit_is_changed_and_overridden_on_its_page_and_each_form_is_told_its_own_faults() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let here = format!("/o/acme/limits/{}", id("lim", 1));
    let page = portal.get(&here).await.body;
    assert!(page.contains("Launch") && page.contains("Ann") && page.contains("12 of 50"));
    let change = [("metric", "requests"), ("version", "3"), ("max", "20")];
    assert_eq!(portal.post(&here, &change).await.to(), here);
    let sent = portal.asked.last(&format!("PATCH /v1/orgs/acme/limits/{}", id("lim", 1))).body;
    assert_eq!((&sent["max"], &sent["without_redis_percent"]), (&json!(20), &json!(0)));

    let overrides = format!("{here}/overrides");
    let of = |max| {
        let rest = [("ends_at", "2026-03-09T12:30"), ("reason", "Launch")];
        [("metric", "requests"), ("override_max", max), rest[0], rest[1]]
    };
    assert_eq!(portal.post(&overrides, &of("500")).await.to(), here);
    let sent = portal.asked.last(&format!("POST /v1{}", overrides.replace("/o/", "/orgs/"))).body;
    assert_eq!((&sent["max"], &sent["ends_at"]), (&json!(500), &json!("2026-03-09T12:30:00Z")));
    assert_eq!(sent["starts_at"], Value::Null);
    portal.post(&overrides, &of("7")).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("href=\"#field-override_max\"") && page.contains("Seven is no good."));

    let end = format!("{overrides}/{}/end", id("ovr", 1));
    assert_eq!(portal.post(&end, &[]).await.to(), here);
    let mut developer = Portal::start(play).await.signed_in("developer");
    let page = developer.get(&here).await.body;
    assert!(page.contains("Launch") && !page.contains("Change the limit"));
}

#[tokio::test]
async fn a_plans_limits_keep_what_is_filled_in_and_lift_what_is_emptied() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/products/{}/plans/{}", id("prod", 1), id("plan", 1));
    let page = portal.get(&here).await.body;
    assert!(page.contains("60 calls per minute") && page.contains("$5.00 per month"));
    let fields = |first: &'static str| {
        [
            ("version", "4"),
            ("max_0", first),
            ("max_1", ""),
            ("max", "3"),
            ("metric", "concurrency"),
            ("window", "minute"),
            ("time_zone", "UTC"),
        ]
    };
    assert_eq!(portal.post(&here, &fields("90")).await.to(), here);
    let what = format!("PATCH /v1/admin/plans/{}/limits", id("plan", 1));
    let sent = portal.asked.last(&what).body;
    let limits = sent["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 2, "the emptied one is lifted");
    assert_eq!((&limits[0]["metric"], &limits[0]["max"]), (&json!("requests"), &json!(90)));
    let running = (&limits[1]["metric"], &limits[1]["window"], &limits[1]["max"]);
    assert_eq!(running, (&json!("concurrency"), &json!("lifetime"), &json!(3)));
    portal.post(&here, &fields("7")).await;
    assert!(portal.get(&here).await.body.contains("href=\"#field-max_0\""));
    let nowhere = format!("/admin/products/{}/plans/{}", id("prod", 1), id("plan", 9));
    assert_eq!(portal.get(&nowhere).await.status, StatusCode::NOT_FOUND);
}
