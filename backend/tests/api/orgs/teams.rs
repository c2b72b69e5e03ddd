//! Teams.

use crate::harness::TestApp;
use contract::role::Role;
use serde_json::json;

#[tokio::test]
async fn a_made_team_is_answered_audited_and_there() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let made = admin
        .post("/v1/orgs/acme/teams", json!({"name": " Data Platform ", "cost_center": "4711"}))
        .await
        .expect(201);
    assert_eq!(made.header("etag"), "\"1\"");
    insta::assert_json_snapshot!(made.json(), { ".id" => insta::dynamic_redaction(|id, _| {
        assert!(id.as_str().unwrap().starts_with("team_"));
        "[id]"
    })}, @r#"
    {
      "cost_center": "4711",
      "created_at": "2026-03-01T12:00:00Z",
      "id": "[id]",
      "name": "Data Platform",
      "slug": "data-platform",
      "version": 1
    }
    "#);
    assert_eq!(
        app.count("audit_entries where action = 'create_team' and actor_role = 'admin'").await,
        1
    );
}

#[tokio::test]
async fn a_team_made_twice_with_one_key_is_made_once() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let (path, body) = ("/v1/orgs/acme/teams", json!({"name": "Data"}));
    let first = admin.post_once(path, body.clone(), "k1").await.expect(201);
    let second = admin.post_once(path, body, "k1").await.expect(201);
    assert_eq!(
        (first.text, first.headers["etag"].clone()),
        (second.text.clone(), second.headers["etag"].clone())
    );
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!((app.count("teams").await, app.count("audit_entries").await), (2, 1));
    admin.post_once(path, json!({"name": "Other"}), "k1").await.refused("idempotency.mismatch");
}

#[tokio::test]
async fn a_team_with_a_taken_or_a_bad_name_is_refused_and_nothing_is_written() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let path = "/v1/orgs/acme/teams";
    let taken = admin.post(path, json!({"name": "Default"})).await.refused("object.name_taken");
    assert_eq!(taken.pointers(), ["/name"]);
    for bad in [
        json!({"name": " "}),
        json!({"name": 7}),
        json!({}),
        json!({"name": "x".repeat(81)}),
        json!({"name": "a\u{0}b"}),
    ] {
        assert_eq!(admin.post(path, bad).await.refused("request.invalid").pointers(), ["/name"]);
    }
    assert_eq!((app.count("teams").await, app.count("audit_entries").await), (1, 0));
}

#[tokio::test]
async fn a_developer_makes_no_team() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    developer.post("/v1/orgs/acme/teams", json!({"name": "X"})).await.refused("role.forbidden");
}
