//! The operator's pages: there for operators, and careful with credentials.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn provider() -> Value {
    json!({"id": id("prov", 1), "slug": "sim", "name": "Sim", "base_url": "http://sim/v1",
        "dialect": "openai", "auth": "bearer", "has_credential": true, "disabled": false,
        "deployment_count": 1, "created_at": AT, "version": 4})
}

fn letter() -> Value {
    json!({"id": id("letter", 1), "at": AT, "reason": "there is no price <b>", "body": "{\"a\": 1}",
        "request_id": id("req", 1), "said_usd": "0.5"})
}

fn model() -> Value {
    json!({"id": id("mdl", 1), "name": "aurora", "display_name": "Aurora", "modality": "chat",
        "state": "draft", "context_tokens_max": 8192, "output_tokens_max": 4096,
        "deployments": [{"id": id("dep", 1), "model_id": id("mdl", 1),
            "provider_id": id("prov", 1), "provider_name": "Sim", "upstream_model": "sim-1",
            "region": "", "weight": 100, "disabled": false, "created_at": AT, "version": 1}],
        "price": null, "created_at": AT, "version": 2})
}

fn deployments_health() -> Value {
    json!({"at": AT, "gateways": 1, "deployments": [{"deployment_id": id("dep", 1),
        "model_id": id("mdl", 1), "model_name": "aurora", "provider_name": "Sim", "region": "",
        "breaker": "recovering", "share_percent": 40, "in_flight": 0, "answered": 5, "failed": 9,
        "opened": 1}]})
}

fn painter() -> Value {
    json!({"id": id("mdl", 2), "name": "painter", "display_name": "Painter", "modality": "image",
        "state": "active", "context_tokens_max": 0, "output_tokens_max": 0, "deployments": [],
        "price": null, "created_at": AT, "version": 1})
}

fn price(n: u8, rates: Value) -> Value {
    let mut price = json!({"input_usd": "0.00", "output_usd": "0.00", "per_call_usd": "0.00",
        "effective_from": AT});
    price.as_object_mut().unwrap().extend(rates.as_object().unwrap().clone());
    json!({"id": id("price", n), "model_id": id("mdl", 2), "plan_id": null, "created_at": AT,
        "price": price})
}

fn play(call: &Call) -> Option<Response> {
    let mut what = call.what.clone();
    what = what.replace(&id("mdl", 2), "{painter}");
    for (n, kind) in ["prov", "mdl", "prod", "letter"].into_iter().enumerate() {
        what = what.replace(&id(kind, 1), ["{provider}", "{model}", "{product}", "{letter}"][n]);
    }
    let base = call.body["base_url"].as_str().unwrap_or("http");
    match what.as_str() {
        "GET /v1/admin/providers" => page(&[provider()]),
        "GET /v1/admin/providers/{provider}" => ok(provider()),
        "POST /v1/admin/providers" if !base.starts_with("http") => {
            refusal(ErrorCode::RequestInvalid, &[("/base_url", "Write a whole address.")])
        }
        "POST /v1/admin/providers" if call.body["auth"] == "aws_sigv4" => refusal(
            ErrorCode::RequestInvalid,
            &[
                ("/settings/region", "Name the region."),
                ("/settings/token_url", "Write an address."),
            ],
        ),
        "POST /v1/admin/providers" | "PATCH /v1/admin/providers/{provider}" => ok(provider()),
        "POST /v1/admin/providers/{provider}/test" => ok(json!({"ok": false, "duration_ms": 1_250,
            "detail": "It refused the credential.", "upstream_models": ["m1"]})),
        "GET /v1/admin/dead-letters" if call.query == "state=all" => page(&[]),
        "GET /v1/admin/dead-letters" => page(&[letter()]),
        "POST /v1/admin/dead-letters/{letter}/replay" => refusal(ErrorCode::Conflict, &[]),
        "GET /v1/admin/models" => page(&[model()]),
        "GET /v1/admin/models/{model}" => ok(model()),
        "GET /v1/admin/models/{painter}" => ok(painter()),
        "GET /v1/admin/deployments/health" => ok(deployments_health()),
        "GET /v1/admin/models/{painter}/prices" => page(&[
            price(2, json!({"image_usd": "0.04", "image_output_usd": "40"})),
            price(1, json!({})),
        ]),
        "GET /v1/admin/models/{model}/prices" => page(&[]),
        "POST /v1/admin/models/{painter}/prices" if call.body["image_usd"] == "0.00" => {
            refusal(ErrorCode::RequestInvalid, &[("/image_usd", "They would be free.")])
        }
        "POST /v1/admin/models/{painter}/prices" => ok(price(3, json!({}))),
        "POST /v1/admin/models/{model}/prices" => ok(json!({"id": id("price", 1),
            "model_id": id("mdl", 1), "plan_id": null, "created_at": AT,
            "price": {"input_usd": "0.15", "output_usd": "0.60", "per_call_usd": "0.00",
                "effective_from": AT}})),
        "POST /v1/admin/products/{product}/plans" => ok(json!({"id": id("plan", 1),
            "product_id": id("prod", 1), "slug": "s", "name": "S", "description": "",
            "approval": "auto", "default_for_new_apps": true, "output_tokens_max": null,
            "limits": call.body["limits"], "prices": [], "version": 1})),
        _ => None,
    }
}

#[tokio::test]
async fn for_everybody_but_operators_the_console_is_not_there() {
    let mut owner = Portal::start(play).await.signed_in("owner");
    for path in ["/admin/providers", "/admin/models", "/admin/models/new", "/admin/products"] {
        assert_eq!(owner.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = owner.post("/admin/providers", &[("name", "x")]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.asked.count("POST /v1/admin/providers"), 0);
}

#[tokio::test]
async fn a_credential_is_sent_on_and_never_back() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let fields = [
        ("name", "Sim"),
        ("slug", "sim"),
        ("base_url", "nowhere"),
        ("dialect", "openai"),
        ("auth", "bearer"),
        ("credential", "sk-very-secret"),
    ];
    let answer = portal.post("/admin/providers", &fields).await;
    assert_eq!(answer.to(), "/admin/providers/new");
    assert_eq!(portal.asked.last("POST /v1/admin/providers").body["credential"], "sk-very-secret");
    let page = portal.get("/admin/providers/new").await.body;
    assert!(page.contains("Write a whole address.") && page.contains("value=\"nowhere\""));
    assert!(!page.contains("sk-very-secret"));
}

#[tokio::test]
async fn what_is_wrong_with_a_setting_is_said_at_its_field_and_in_sight() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let fields = [
        ("name", "Sim"),
        ("slug", "sim"),
        ("base_url", "http://sim/v1"),
        ("dialect", "openai"),
        ("auth", "aws_sigv4"),
        ("credential", "id:secret"),
        ("exchange", "nowhere"),
    ];
    portal.post("/admin/providers", &fields).await;
    let page = portal.get("/admin/providers/new").await.body;
    for (field, error) in [("region", "Name the region."), ("exchange", "Write an address.")] {
        assert!(page.contains(&format!("href=\"#field-{field}\"")) && page.contains(error));
    }
    assert!(page.contains("value=\"nowhere\""));
    assert!(is_unfolded(&page, "More"));
}

/// Whether the part under this summary is open when the page comes.
fn is_unfolded(page: &str, summary: &str) -> bool {
    let (before, _) = page.split_once(&format!("<summary>{summary}")).unwrap();
    before.rsplit_once("<details").unwrap().1.contains("open")
}

#[tokio::test]
async fn an_empty_credential_keeps_the_stored_one() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/providers/{}", id("prov", 1));
    let fields = [
        ("version", "4"),
        ("name", "Sim"),
        ("base_url", "http://sim/v1"),
        ("auth", "bearer"),
        ("credential", ""),
    ];
    assert_eq!(portal.post(&here, &fields).await.to(), here);
    let sent = portal.asked.last(&format!("PATCH /v1{here}"));
    assert_eq!(sent.body["credential"], Value::Null);
    assert_eq!(sent.headers["if-match"], "\"4\"");
}

#[tokio::test]
async fn a_failed_test_of_a_provider_is_told_with_its_time() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/providers/{}", id("prov", 1));
    portal.post(&format!("{here}/test"), &[("_key", "k")]).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("It refused the credential.") && page.contains("1.2 s"));
}

#[tokio::test]
async fn a_models_deployments_are_shown_with_how_gateways_find_them() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let page = portal.get(&format!("/admin/models/{}", id("mdl", 1))).await.body;
    assert!(page.contains("sim-1") && page.contains("Recovering"), "{page}");
}

#[tokio::test]
async fn a_price_is_sent_as_typed_and_a_bad_one_is_refused_at_its_field() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/models/{}", id("mdl", 1));
    let price = |input, from| {
        [
            ("input_usd", input),
            ("output_usd", "0.6"),
            ("per_call_usd", "0"),
            ("effective_from", from),
        ]
    };
    portal.post(&format!("{here}/prices"), &price("0.15", "2026-04-01T00:00")).await;
    let sent = portal.asked.last(&format!("POST /v1{here}/prices")).body;
    assert_eq!(sent["input_usd"], "0.15");
    assert_eq!(sent["effective_from"], "2026-04-01T00:00:00Z");
    assert_eq!(sent["cached_input_usd"], Value::Null);
    portal.post(&format!("{here}/prices"), &price("2e-7", "")).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("href=\"#field-input_usd\"") && page.contains("value=\"2e-7\""));
    assert_eq!(portal.asked.count(&format!("POST /v1{here}/prices")), 1);
}

#[tokio::test]
async fn the_form_of_a_price_asks_first_for_what_the_kind_is_sold_by_and_sends_every_rate() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/models/{}", id("mdl", 2));
    let page = portal.get(&here).await.body;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
    assert!(at("name=\"image_usd\"") < at("name=\"input_usd\""));
    assert!(at("name=\"image_output_usd\"") < at("Other rates"));
    assert!(at("Other rates") < at("name=\"audio_minute_usd\""));
    for shown in ["Per picture", "$0.04", "Image output", "$40.00", "everybody, free"] {
        at(shown);
    }
    assert!(!page.contains("$0.00"), "what asks nothing is not shown as a price");
    let fields = [("image_usd", "0.04"), ("compute_hour_usd", "3.6"), ("reasoning_usd", "")];
    assert_eq!(portal.post(&format!("{here}/prices"), &fields).await.to(), here);
    let sent = portal.asked.last(&format!("POST /v1{here}/prices")).body;
    assert_eq!((sent["image_usd"].as_str(), sent["free"].as_bool()), (Some("0.04"), Some(false)));
    assert_eq!(
        (sent["compute_hour_usd"].as_str(), sent["input_usd"].as_str()),
        (Some("3.60"), Some("0.00"))
    );
    assert_eq!(sent["reasoning_usd"], Value::Null);
    portal.post(&format!("{here}/prices"), &[("image_usd", ""), ("audio_minute_usd", "1")]).await;
    let page = portal.get(&here).await.body;
    assert!(page.contains("href=\"#field-image_usd\"") && page.contains("They would be free."));
    assert!(is_unfolded(&page, "Other rates"), "what was typed is in sight");
}

#[tokio::test]
async fn a_plan_is_made_with_the_limits_that_were_filled_in_and_no_others() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/products/{}", id("prod", 1));
    let fields = [
        ("name", "S"),
        ("slug", "s"),
        ("approval", "auto"),
        ("default_for_new_apps", "true"),
        ("unknown_policy", "bill_reserved"),
        ("calls_minute", "60"),
        ("tokens_minute", ""),
        ("dollars_month", "50"),
    ];
    assert_eq!(portal.post(&format!("{here}/plans"), &fields).await.to(), here);
    let sent = portal.asked.last(&format!("POST /v1{here}/plans")).body;
    assert_eq!(sent["default_for_new_apps"], true);
    let limits = sent["limits"].as_array().unwrap();
    let short = |one: &Value| json!([one["metric"], one["window"], one["max"], one["max_usd"]]);
    assert_eq!(sent["unknown_policy"], "bill_reserved");
    assert_eq!(
        limits.iter().map(short).collect::<Vec<_>>(),
        [json!(["requests", "minute", 60, null]), json!(["money", "month", null, "50.00"])]
    );
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_reason_and_one_that_still_cannot_be_booked_says_so() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let page = portal.get("/admin/dead-letters").await.body;
    assert!(page.contains("there is no price &lt;b&gt;") && page.contains("$0.50"), "{page}");
    assert!(page.contains(&id("req", 1)) && page.contains("not told"));
    let replay = format!("/admin/dead-letters/{}/replay", id("letter", 1));
    assert_eq!(portal.post(&replay, &[("_key", "k")]).await.to(), "/admin/dead-letters");
    assert_eq!(portal.asked.count(&format!("POST /v1{replay}")), 1);
    let page = portal.get("/admin/dead-letters").await.body;
    assert!(page.contains("class=\"summary") || page.contains("error"), "{page}");
    let all = portal.get("/admin/dead-letters?state=all").await.body;
    assert!(all.contains("No dead letters"));
}
