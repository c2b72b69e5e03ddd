//! A key is shown once, to the one who made it, and to nobody else.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use http::StatusCode;
use serde_json::{Value, json};

const SECRET: &str = "tg_live_AbC123dEf456_QmFzZTYyU2VjcmV0VGV4dEhlcmVPaw12x9Yz0a";

fn app(n: u8, name: &str) -> Value {
    json!({"id": id("app", n), "team_id": id("team", 0), "team_name": "Default", "slug": "x",
        "name": name, "description": "", "disabled": false,
        "created_at": "2026-03-01T00:00:00Z", "version": 1})
}

fn key(n: u8, name: &Value, expires_at: &Value) -> Value {
    json!({"id": id("key", n), "app_id": id("app", 1), "app_name": "Shop", "name": name,
        "env": "live", "masked": "tg_live_AbC123dEf456…Yz0a", "state": "active",
        "created_by_name": "Ada", "created_at": "2026-03-05T14:00:00Z", "expires_at": expires_at,
        "revoked_at": null, "last_used_at": "2026-03-05T13:58:00Z", "version": 1})
}

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn play(call: &Call) -> Option<Response> {
    let one = key(1, &json!("Web"), &Value::Null);
    let what = call.what.replace(&id("key", 1), "{key}");
    match what.as_str() {
        "GET /v1/orgs/acme/apps" => page(&[app(1, "Shop"), app(2, "Batch")]),
        "GET /v1/orgs/acme/keys" => page(&[one]),
        "GET /v1/orgs/acme/keys/{key}" => ok(one),
        "GET /v1/orgs/acme/limits" => page(&[]),
        "POST /v1/orgs/acme/keys" if call.body["name"] == "" => {
            refusal(ErrorCode::RequestInvalid, &[("/name", "Enter 1 to 80 characters.")])
        }
        "POST /v1/orgs/acme/keys" => {
            let made = key(1, &call.body["name"], &call.body["expires_at"]);
            ok(json!({"key": made, "secret": SECRET}))
        }
        "POST /v1/orgs/acme/keys/{key}/revoke" => ok(one),
        "GET /v1/orgs/acme/onboarding" => ok(json!({"first_key_at": null, "first_call_at": null,
            "first_usage_at": null, "app_id": id("app", 1), "sample_model": "aurora"})),
        _ => None,
    }
}

async fn create(portal: &mut Portal, name: &str) -> String {
    let app = id("app", 1);
    let fields = [("app_id", app.as_str()), ("name", name), ("env", "live"), ("_key", "k1")];
    let answer = portal.post("/o/acme/keys", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    answer.to().to_owned()
}

#[tokio::test]
async fn a_new_key_is_shown_once_with_a_call_that_works_and_is_in_no_address() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let to = create(&mut portal, "Web").await;
    assert_eq!(to, format!("/o/acme/keys/created/{}", id("key", 1)));
    let body = portal.asked.last("POST /v1/orgs/acme/keys").body;
    assert_eq!(body["expires_at"], "2026-06-04T00:00:00Z", "a default expiry is set");

    let shown = portal.get(&to).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.headers["cache-control"], "no-store");
    assert!(shown.body.contains(&format!("Authorization: Bearer {SECRET}")), "a curl that works");
    assert!(shown.body.contains("aurora"), "of a model that the app may call");

    let again = portal.get(&to).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(again.body.contains("This key was shown before"));
    for path in [&to, "/o/acme/keys", "/o/acme/keys/new", &format!("/o/acme/keys/{}", id("key", 1))]
    {
        assert!(!portal.get(path).await.body.contains(SECRET), "{path}");
    }
}

#[tokio::test]
async fn another_browser_does_not_see_a_new_key() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let to = create(&mut portal, "Web").await;
    portal.cookies.retain(|(name, _)| name == "__Host-tollgate_session");
    let answer = portal.get(&to).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(!answer.body.contains(SECRET));
}

#[tokio::test]
async fn the_same_form_posted_twice_asks_for_the_same_key() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    create(&mut portal, "Web").await;
    let first = portal.asked.last("POST /v1/orgs/acme/keys");
    create(&mut portal, "Web").await;
    let second = portal.asked.last("POST /v1/orgs/acme/keys");
    assert_eq!(first.body, second.body);
    assert_eq!(first.headers["idempotency-key"], second.headers["idempotency-key"]);
}

#[tokio::test]
async fn a_refused_key_form_keeps_the_name_and_the_choices() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let batch = id("app", 2);
    let fields = [("app_id", batch.as_str()), ("name", ""), ("env", "test"), ("expires_at", "30")];
    let answer = portal.post("/o/acme/keys", &fields).await;
    assert_eq!(answer.to(), "/o/acme/keys/new");
    let page = portal.get("/o/acme/keys/new").await.body;
    assert!(page.contains("href=\"#field-name\""), "the summary links to the field");
    for chosen in [
        &format!("<option value=\"{batch}\" selected"),
        "<option value=\"test\" selected",
        "<option value=\"30\" selected",
    ] {
        assert!(page.contains(chosen), "{chosen}");
    }
    let odd = [("app_id", batch.as_str()), ("name", "x"), ("env", "moon")];
    portal.post("/o/acme/keys", &odd).await;
    assert!(portal.get("/o/acme/keys/new").await.body.contains("Choose live or test."));
}

#[tokio::test]
async fn revoking_says_first_what_will_stop() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let here = format!("/o/acme/keys/{}", id("key", 1));
    let question = portal.get(&format!("{here}/revoke")).await.body;
    assert!(question.contains("It was last used 4 min ago."));
    assert!(question.contains("Shop has no other working key"));
    let answer = portal.post(&format!("{here}/revoke"), &[("_key", "k2")]).await;
    assert_eq!(answer.to(), here);
    assert!(portal.get(&here).await.body.contains("The key is revoked."));
}

#[tokio::test]
async fn what_a_role_may_not_is_absent_and_its_address_names_who_may() {
    let mut finance = Portal::start(play).await.signed_in("finance");
    for path in ["/o/acme/keys", "/o/acme/keys/new", "/o/acme/requests", "/o/acme/audit"] {
        let answer = finance.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.body.contains("This needs the role owner"), "{path}");
    }
    let mut auditor = Portal::start(play).await.signed_in("auditor");
    let keys = auditor.get("/o/acme/keys").await.body;
    assert!(!keys.contains("/o/acme/keys/new"), "no button to create");
    let key = auditor.get(&format!("/o/acme/keys/{}", id("key", 1))).await.body;
    assert!(!key.contains("/revoke") && !key.contains("Set a limit"));
}

#[tokio::test]
async fn an_unknown_key_is_not_there() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    for path in
        ["keys/key_x", "keys/created/key_x", "keys/key_x/revoke", "apps/app_x", "keys/%2e%2e"]
    {
        let answer = portal.get(&format!("/o/acme/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("There is nothing here"), "{path}");
    }
}
