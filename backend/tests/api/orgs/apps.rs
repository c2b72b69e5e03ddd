//! Apps.

use crate::harness::TestApp;
use contract::role::Role;
use serde_json::json;

#[tokio::test]
async fn an_app_is_made_edited_and_deleted_and_gateways_hear_of_each() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let made =
        developer.post("/v1/orgs/acme/apps", json!({"name": "Chat"})).await.expect(201).json();
    assert_eq!(
        (&made["team_id"], &made["disabled"]),
        (&json!(org.team.to_string()), &json!(false))
    );
    let path = format!("/v1/orgs/acme/apps/{}", made["id"].as_str().unwrap());
    let off = developer.patch(&path, json!({"disabled": true}), 1).await.expect(200).json();
    assert_eq!((&off["disabled"], &off["name"]), (&json!(true), &json!("Chat")));
    developer.delete(&path).await.expect(204);
    developer.get(&path).await.refused("object.not_found");
    let heard =
        format!("outbox where kind = 'app' and object_id = '{}'", made["id"].as_str().unwrap());
    assert_eq!(app.count(&heard).await, 3);
    let audited = "audit_entries where action in ('create_app', 'update_app', 'delete_app')";
    assert_eq!(app.count(audited).await, 3);
}

#[tokio::test]
async fn an_app_with_a_key_is_disabled_not_deleted() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let key = json!({"app_id": org.app, "name": "k", "env": "test"});
    developer.post("/v1/orgs/acme/keys", key).await.expect(201);
    let path = format!("/v1/orgs/acme/apps/{}", org.app);
    developer.delete(&path).await.refused("object.conflict");
    developer.get(&path).await.expect(200);
}

#[tokio::test]
async fn an_app_cannot_join_another_orgs_team() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    let owner = app.member(&ours, Role::Owner).await;
    let body = json!({"name": "X", "team_id": theirs.team});
    let refused = owner.post("/v1/orgs/ours/apps", body).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/team_id"]);
    let wrong = owner.post("/v1/orgs/ours/apps", json!({"name": "X", "team_id": "nonsense"})).await;
    assert_eq!(wrong.refused("request.invalid").pointers(), ["/team_id"]);
    let long = json!({"name": "X", "description": "x".repeat(1001)});
    assert_eq!(owner.post("/v1/orgs/ours/apps", long).await.pointers(), ["/description"]);
}
