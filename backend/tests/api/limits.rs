//! Limits that an org sets.

use crate::harness::TestApp;
use contract::role::Role;
use serde_json::json;

const PATH: &str = "/v1/orgs/acme/limits";

#[tokio::test]
async fn a_limit_is_set_changed_and_lifted_and_gateways_hear_of_each() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let new = json!({
        "scope": {"kind": "app", "id": org.app}, "metric": "money", "window": "day",
        "max_usd": "12.5",
    });
    let made = admin.post(PATH, new.clone()).await.expect(201).json();
    assert_eq!(
        (made["max_usd"].clone(), made["scope_name"].clone()),
        (json!("12.50"), json!("First"))
    );
    admin.post(PATH, new).await.refused("object.conflict");
    let one = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let changed = admin.patch(&one, json!({"max_usd": "0.000000001"}), 1).await.expect(200).json();
    assert_eq!(
        (changed["max_usd"].clone(), changed["version"].clone()),
        (json!("0.000000001"), json!(2))
    );
    admin.patch(&one, json!({"max_usd": "1"}), 1).await.refused("object.version_stale");
    admin.patch(&one, json!({"max": 3}), 2).await.refused("request.invalid");
    assert_eq!(admin.get(PATH).await.json()["items"].as_array().unwrap().len(), 1);
    admin.delete(&one).await.expect(204);
    admin.delete(&one).await.refused("object.not_found");
    assert_eq!((app.count("outbox where kind = 'limit'").await, app.count("limits").await), (3, 0));
    assert_eq!(app.count("audit_entries").await, 3);
}

#[tokio::test]
async fn a_limit_points_only_at_what_the_org_has() {
    let app = TestApp::start().await;
    let (org, other) = (app.org("acme").await, app.org("other").await);
    let owner = app.member(&org, Role::Owner).await;
    for scope in [
        json!({"kind": "app", "id": other.app}),
        json!({"kind": "org", "id": other.id}),
        json!({"kind": "team", "id": other.team}),
        json!({"kind": "plan", "id": "plan_00000000000000000000000000"}),
    ] {
        let new = json!({"scope": scope, "metric": "requests", "window": "minute", "max": 1});
        let refused = owner.post(PATH, new).await.refused("request.invalid");
        assert_eq!(refused.pointers(), ["/scope"]);
    }
    let wrong_kind = json!({
        "scope": {"kind": "app", "id": org.id}, "metric": "requests", "window": "minute", "max": 1,
    });
    owner.post(PATH, wrong_kind).await.refused("request.invalid");
    assert_eq!(app.count("limits").await, 0);
}

#[tokio::test]
async fn developers_see_limits_and_do_not_set_them() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let new = json!({
        "scope": {"kind": "org", "id": org.id}, "metric": "tokens", "window": "hour", "max": 5,
    });
    developer.post(PATH, new).await.refused("role.forbidden");
    developer.get(PATH).await.expect(200);
}
