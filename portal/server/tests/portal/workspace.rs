//! Apps, their limits and subscriptions, the catalogue, members.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn app(n: u8, name: &str) -> Value {
    json!({"id": id("app", n), "team_id": id("team", 0), "team_name": "Default", "slug": "x",
        "name": name, "description": "Sells <i>things</i>", "disabled": false, "created_at": AT,
        "version": 7})
}

fn subscription() -> Value {
    json!({"id": id("sub", 1), "app_id": id("app", 1), "app_name": "Shop",
        "product_id": id("prod", 1), "product_slug": "aurora", "product_name": "Aurora",
        "plan_id": id("plan", 1), "plan_name": "Standard", "state": "active", "created_at": AT,
        "version": 1})
}

fn product() -> Value {
    json!({"id": id("prod", 1), "slug": "aurora", "name": "Aurora", "kind": "model",
        "summary": "A model.", "description": "One.\n\n<script>alert(1)</script>",
        "models": [{"id": id("mdl", 1), "name": "aurora-mini", "display_name": "Aurora Mini",
            "modality": "chat", "state": "active", "context_tokens_max": 128_000,
            "output_tokens_max": 4096, "provider_names": ["Simulator"], "regions": ["eu"],
            "price": {"input_usd": "0.0000002", "output_usd": "0.60", "per_call_usd": "0.00",
                "effective_from": AT}}],
        "plans": [{"id": id("plan", 1), "product_id": id("prod", 1), "slug": "standard",
            "name": "Standard", "description": "", "approval": "auto",
            "default_for_new_apps": true, "output_tokens_max": null,
            "limits": [{"metric": "requests", "window": "minute", "max": 60}], "prices": [],
            "version": 1}],
        "subscriptions": [subscription()]})
}

fn summary() -> Value {
    json!({"id": id("prod", 1), "slug": "aurora", "name": "Aurora", "kind": "model",
        "summary": "A model.", "modalities": ["chat"], "model_names": ["aurora-mini"],
        "input_from_usd": "0.15", "from": {"rate": "input", "usd": "0.15"},
        "subscribed_apps": 1})
}

fn member(n: u8, name: &str, role: &str) -> Value {
    json!({"person_id": id("per", n), "email": "x@example.com", "name": name, "role": role,
        "joined_at": AT, "version": 3})
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("app", 1), "{app}").replace(&id("per", 2), "{person}");
    match what.as_str() {
        "GET /v1/orgs/acme/apps" => page(&[app(1, "Shop"), app(2, "Batch")]),
        "GET /v1/orgs/acme/apps/{app}" => ok(app(1, "Shop")),
        "GET /v1/orgs/acme/apps/{app}/deprecations" => ok(json!([])),
        "PATCH /v1/orgs/acme/apps/{app}" if call.headers["if-match"] != "\"7\"" => {
            refusal(ErrorCode::VersionStale, &[])
        }
        "PATCH /v1/orgs/acme/apps/{app}" => ok(app(1, "Shop")),
        "GET /v1/orgs/acme/keys" | "GET /v1/orgs/acme/limits" => page(&[]),
        "GET /v1/orgs/acme/subscriptions" => page(&[subscription()]),
        "POST /v1/orgs/acme/subscriptions" => ok(subscription()),
        "POST /v1/orgs/acme/limits" if call.body["max_usd"] == "0.00" => {
            refusal(ErrorCode::RequestInvalid, &[("/max_usd", "Use more than 0 dollars.")])
        }
        "POST /v1/orgs/acme/limits" => ok(json!({"id": id("lim", 1), "scope": call.body["scope"],
            "scope_name": "Shop", "metric": call.body["metric"], "window": call.body["window"],
            "max": call.body["max"], "max_usd": call.body["max_usd"], "created_at": AT,
            "version": 1})),
        "GET /v1/catalog" | "GET /v1/orgs/acme/catalog" if call.query.contains("q=zzz") => {
            page(&[])
        }
        "GET /v1/catalog" | "GET /v1/orgs/acme/catalog" => {
            ok(json!({"items": [summary()], "next": "c2", "has_more": true}))
        }
        "GET /v1/catalog/aurora" | "GET /v1/orgs/acme/catalog/aurora" => ok(product()),
        "GET /v1/orgs/acme/members" => page(&[
            member(0, "Ada", "admin"),
            member(1, "Olga", "owner"),
            member(2, "Dev", "developer"),
        ]),
        "GET /v1/orgs/acme/invitations" => page(&[]),
        "PATCH /v1/orgs/acme/members/{person}" => refusal(ErrorCode::LastOwner, &[]),
        _ => None,
    }
}

#[tokio::test]
async fn the_catalogues_filters_live_in_the_address_and_go_to_the_control_api_as_they_are() {
    let mut portal = Portal::start(play).await;
    let found = portal.get("/catalog?q=au+rora&modality=chat").await;
    assert_eq!(portal.asked.last("GET /v1/catalog").query, "q=au+rora&modality=chat");
    assert!(found.body.contains("value=\"au rora\""), "the form shows what was searched");
    assert!(found.body.contains("<option value=\"chat\" selected"));
    assert!(found.body.contains("1 product on this page"));
    assert!(found.body.contains("?q=au+rora&amp;modality=chat&amp;cursor=c2"), "the next page");
    let none = portal.get("/catalog?q=zzz").await.body;
    assert!(none.contains("0 products") && none.contains("No product matches"));
}

#[tokio::test]
async fn a_product_shows_plain_prices_and_its_text_is_never_markup() {
    let mut portal = Portal::start(play).await;
    let page = portal.get("/catalog/aurora").await.body;
    assert!(page.contains("$0.0000002"), "never an exponent");
    assert!(page.contains("60 calls per minute") && page.contains("128,000 tokens"));
    assert!(page.contains("$TOLLGATE_API_KEY"), "samples take the key from the environment");
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"));
    assert_eq!(portal.get("/catalog/no-such").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_app_that_has_a_product_is_shown_with_the_reason_but_cannot_be_chosen() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let page = portal.get("/o/acme/catalog/aurora").await.body;
    let shop = page.split("<option").find(|option| option.contains("Shop")).unwrap();
    assert!(shop.contains("disabled") && shop.contains("already subscribed: Standard"));
    let batch = page.split("<option").find(|option| option.contains("Batch")).unwrap();
    assert!(!batch.contains("disabled"));
    let (app, plan) = (id("app", 2), id("plan", 1));
    let fields = [("app_id", app.as_str()), ("plan_id", plan.as_str()), ("_key", "k")];
    let answer = portal.post("/o/acme/catalog/aurora/subscribe", &fields).await;
    assert_eq!(answer.to(), "/o/acme/catalog/aurora");
    assert_eq!(
        portal.asked.last("POST /v1/orgs/acme/subscriptions").body,
        json!({"app_id": app, "plan_id": plan})
    );
}

#[tokio::test]
async fn an_edit_carries_the_version_it_was_made_on_and_a_stale_one_keeps_what_was_typed() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let edit = format!("/o/acme/apps/{}/edit", id("app", 1));
    assert!(portal.get(&edit).await.body.contains("name=\"version\" value=\"7\""));
    let answer = portal.post(&edit, &[("version", "6"), ("name", "Mine")]).await;
    assert_eq!(answer.to(), edit);
    let page = portal.get(&edit).await.body;
    assert!(page.contains("There is a problem") && page.contains("value=\"Mine\""));
    let answer = portal.post(&edit, &[("version", "7"), ("name", "Mine")]).await;
    assert_eq!(answer.to(), format!("/o/acme/apps/{}", id("app", 1)));
    let sent = portal.asked.last(&format!("PATCH /v1/orgs/acme/apps/{}", id("app", 1))).body;
    assert_eq!(sent["disabled"], false, "editing a name does not enable or disable");
}

#[tokio::test]
async fn a_limit_on_money_is_sent_in_dollars_and_its_refusal_finds_the_field() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let app = format!("/o/acme/apps/{}", id("app", 1));
    let limits = format!("/o/acme/limits/{}", id("app", 1));
    let money = |max| [("metric", "money"), ("window", "month"), ("max", max)];
    portal.post(&limits, &money("25")).await;
    let sent = portal.asked.last("POST /v1/orgs/acme/limits").body;
    assert_eq!((&sent["max"], &sent["max_usd"]), (&Value::Null, &json!("25.00")));
    assert_eq!(sent["scope"], json!({"kind": "app", "id": id("app", 1)}));

    portal.post(&limits, &money("0")).await;
    let page = portal.get(&app).await.body;
    assert!(page.contains("href=\"#field-max\"") && page.contains("Use more than 0 dollars."));
    let asked = portal.asked.count("POST /v1/orgs/acme/limits");
    portal.post(&limits, &[("metric", "requests"), ("window", "minute"), ("max", "many")]).await;
    assert!(portal.get(&app).await.body.contains("Enter a whole number, such as 1000."));
    assert_eq!(portal.asked.count("POST /v1/orgs/acme/limits"), asked, "it cannot be sent at all");
}

#[tokio::test]
async fn names_are_text_and_forms_of_others_roles_are_absent() {
    let mut portal = Portal::start(play).await.signed_in("auditor");
    let page = portal.get(&format!("/o/acme/apps/{}", id("app", 1))).await.body;
    assert!(page.contains("Sells &lt;i&gt;things") && !page.contains("Sells <i>"));
    assert!(!page.contains("/cancel") && !page.contains("/edit") && !page.contains("Set a limit"));
    let new = portal.get("/o/acme/apps/new").await;
    assert_eq!(new.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nobody_is_offered_a_role_above_their_own_and_a_refused_change_says_why() {
    let mut portal = Portal::start(play).await.signed_in("admin");
    let invite = portal.get("/o/acme/members/invite").await.body;
    assert!(invite.contains("value=\"admin\"") && !invite.contains("value=\"owner\""));
    let owner = portal.get(&format!("/o/acme/members/{}", id("per", 1))).await.body;
    assert!(!owner.contains("Change role"), "an admin changes no owner");
    let dev = format!("/o/acme/members/{}", id("per", 2));
    portal.post(&dev, &[("role", "finance"), ("version", "3")]).await;
    assert!(portal.get(&dev).await.body.contains("What happened this time."));
    assert_eq!(portal.get(&format!("/o/acme/members/{}", id("per", 9))).await.status, 404);
}
