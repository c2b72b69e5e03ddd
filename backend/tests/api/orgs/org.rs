//! Orgs themselves.

use crate::harness::TestApp;
use contract::role::Role;
use serde_json::json;

#[tokio::test]
async fn a_further_org_starts_with_a_team_and_an_app_and_its_maker_owns_it() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let made = ada.post_once("/v1/orgs", json!({"name": "Acme"}), "k").await.expect(201);
    assert_eq!(made.json()["slug"], "acme-2");
    let again = ada.post_once("/v1/orgs", json!({"name": "Acme"}), "k").await.expect(201);
    assert_eq!(made.text, again.text);
    let apps = ada.get("/v1/orgs/acme-2/apps").await.expect(200).json();
    assert_eq!(apps["items"][0]["name"], "My first app");
    assert_eq!(apps["items"][0]["team_name"], "Default");
    let orgs = ada.get("/v1/orgs").await.expect(200).json();
    assert_eq!(orgs["items"].as_array().unwrap().len(), 2);
    let me = ada.get("/v1/me").await.json();
    assert!(me["orgs"].as_array().unwrap().iter().all(|org| org["role"] == "owner"));
    assert_eq!(app.count("outbox where kind = 'org'").await, 2);
}

#[tokio::test]
async fn only_an_owner_renames_an_org_and_its_address_stays() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let (owner, admin) = (app.member(&org, Role::Owner).await, app.member(&org, Role::Admin).await);
    admin.patch("/v1/orgs/acme", json!({"name": "New"}), 1).await.refused("role.forbidden");
    let renamed = owner.patch("/v1/orgs/acme", json!({"name": "New"}), 1).await.expect(200).json();
    assert_eq!((&renamed["name"], &renamed["slug"]), (&json!("New"), &json!("acme")));
    let by_id = owner.get(&format!("/v1/orgs/{}", org.id)).await.expect(200);
    assert_eq!(by_id.header("etag"), "\"2\"");
}
