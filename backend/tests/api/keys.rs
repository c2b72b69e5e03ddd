//! API keys.

use crate::harness::TestApp;
use contract::key::{KeyPepper, ParsedKey};
use contract::role::Role;
use serde_json::{Value, json};

const PATH: &str = "/v1/orgs/acme/keys";

fn new_key(app: impl ToString) -> Value {
    json!({"app_id": app.to_string(), "name": "Laptop", "env": "live"})
}

#[tokio::test]
async fn the_secret_is_shown_once_and_only_its_hash_is_kept() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let made = developer.post(PATH, new_key(org.app)).await.expect(201).json();
    let secret = made["secret"].as_str().unwrap();
    let parsed = ParsedKey::parse(secret).unwrap();
    assert!(made["key"]["masked"].as_str().unwrap().contains(parsed.public_id));
    assert!(!made["key"].to_string().contains(parsed.secret));

    let hash: Vec<u8> = sqlx::query_scalar("select secret_hash from api_keys where public_id = $1")
        .bind(parsed.public_id)
        .fetch_one(&mut app.sql().await)
        .await
        .unwrap();
    assert_eq!(hash, KeyPepper::new([1; 32]).hash(&parsed).0);
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         where relkind = 'r' and relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut app.sql().await)
    .await
    .unwrap();
    for table in tables {
        let rows = app.count(&format!("{table} t where t::text like '%{}%'", parsed.secret)).await;
        assert_eq!(rows, 0, "{table} holds the secret");
    }
    let path = format!("{PATH}/{}", made["key"]["id"].as_str().unwrap());
    for seen in [developer.get(&path).await, developer.get(PATH).await] {
        assert!(!seen.expect(200).text.contains(parsed.secret));
    }
}

#[tokio::test]
async fn a_repeated_request_makes_one_key_and_shows_the_same_secret() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let first = developer.post_once(PATH, new_key(org.app), "k").await.expect(201);
    let second = developer.post_once(PATH, new_key(org.app), "k").await.expect(201);
    assert_eq!(first.text, second.text);
    assert_eq!(app.count("api_keys").await, 1);
}

#[tokio::test]
async fn a_revoked_key_stays_revoked_and_is_audited_and_published_once() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let made = developer.post(PATH, new_key(org.app)).await.expect(201).json();
    let path = format!("{PATH}/{}/revoke", made["key"]["id"].as_str().unwrap());
    let first = developer.post(&path, json!({})).await.expect(200).json();
    assert_eq!((&first["state"], &first["version"]), (&json!("revoked"), &json!(2)),);
    app.clock.advance(chrono::TimeDelta::hours(1));
    assert_eq!(developer.post(&path, json!({})).await.expect(200).json(), first);
    assert_eq!(app.count("audit_entries where action = 'revoke_key'").await, 1);
    assert_eq!(app.count("outbox where kind = 'key'").await, 2);
}

#[tokio::test]
async fn a_key_expires_by_our_clock() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let mut body = new_key(org.app);
    body["expires_at"] = json!("2026-03-02T12:00:00Z");
    let made = developer.post(PATH, body).await.expect(201).json();
    assert_eq!(made["key"]["state"], "active");
    app.clock.advance(chrono::TimeDelta::days(1));
    let path = format!("{PATH}/{}", made["key"]["id"].as_str().unwrap());
    assert_eq!(developer.get(&path).await.expect(200).json()["state"], "expired");
}

#[tokio::test]
async fn bad_fields_are_named_and_nothing_is_written() {
    let app = TestApp::start().await;
    let (org, other) = (app.org("acme").await, app.org("other").await);
    let developer = app.member(&org, Role::Developer).await;
    let with = |field: &str, value: Value| {
        let mut body = new_key(org.app);
        body[field] = value;
        body
    };
    for (field, body) in [
        ("/name", with("name", json!("  "))),
        ("/env", with("env", json!("staging"))),
        ("/app_id", with("app_id", json!("app_nonsense"))),
        ("/app_id", with("app_id", json!("app_00000000000000000000000000"))),
        ("/app_id", new_key(other.app)),
        ("/expires_at", with("expires_at", json!("2026-03-01T12:00:00Z"))),
        ("/expires_at", with("expires_at", json!("tomorrow"))),
    ] {
        let refused = developer.post(PATH, body).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [field]);
    }
    assert_eq!((app.count("api_keys").await, app.count("outbox").await), (0, 0));
    let refused = developer.get(&format!("{PATH}?app=x")).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["?app"]);
}

#[tokio::test]
async fn another_orgs_key_is_not_there() {
    let app = TestApp::start().await;
    let (org, other) = (app.org("acme").await, app.org("other").await);
    let (ours, theirs) =
        (app.member(&org, Role::Owner).await, app.member(&other, Role::Owner).await);
    let made = theirs.post("/v1/orgs/other/keys", new_key(other.app)).await.expect(201).json();
    let path = format!("{PATH}/{}", made["key"]["id"].as_str().unwrap());
    ours.get(&path).await.refused("object.not_found");
    ours.post(&format!("{path}/revoke"), json!({})).await.refused("object.not_found");
    assert_eq!(ours.get(PATH).await.expect(200).json()["items"], json!([]));
    assert_eq!(app.count("api_keys where revoked_at is not null").await, 0);
}

#[tokio::test]
async fn only_those_who_may_see_and_make_keys_do() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let finance = app.member(&org, Role::Finance).await;
    finance.get(PATH).await.refused("role.forbidden");
    let auditor = app.member(&org, Role::Auditor).await;
    auditor.get(PATH).await.expect(200);
    auditor.post(PATH, new_key(org.app)).await.refused("role.forbidden");
}

#[tokio::test]
async fn a_list_pages_without_gaps_or_repeats_and_filters_by_app() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    for _ in 0..5 {
        developer.post(PATH, new_key(org.app)).await.expect(201);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{PATH}?limit=2&app={}", org.app));
    loop {
        let page = developer.get(&path).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|k| k["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{PATH}?limit=2&app={}&cursor={next}", org.app);
    }
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (5, 5));
    let none = format!("{PATH}?app=app_00000000000000000000000000");
    assert_eq!(developer.get(&none).await.expect(200).json()["items"], json!([]));
}
