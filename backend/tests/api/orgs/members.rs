//! Members: nobody rises above their own role, and somebody always owns the org.

use crate::harness::{Client, TestApp};
use contract::role::Role;
use serde_json::json;

async fn id_of(client: &Client) -> String {
    client.get("/v1/me").await.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_admin_neither_makes_nor_unmakes_owners() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let (owner, admin) = (app.member(&org, Role::Owner).await, app.member(&org, Role::Admin).await);
    let developer = app.member(&org, Role::Developer).await;
    let path = async |of: &Client| format!("/v1/orgs/acme/members/{}", id_of(of).await);
    let (owners, devs, own) = (path(&owner).await, path(&developer).await, path(&admin).await);
    admin.patch(&own, json!({"role": "owner"}), 1).await.refused("role.forbidden");
    admin.patch(&devs, json!({"role": "owner"}), 1).await.refused("role.forbidden");
    admin.patch(&owners, json!({"role": "auditor"}), 1).await.refused("role.forbidden");
    admin.delete(&owners).await.refused("role.forbidden");
    assert_eq!(
        admin.patch(&devs, json!({"role": "finance"}), 1).await.expect(200).json()["role"],
        "finance"
    );
    let wrong = admin.patch(&devs, json!({"role": "king"}), 2).await.refused("request.invalid");
    assert_eq!(wrong.pointers(), ["/role"]);
    assert_eq!(app.count("audit_entries").await, 1);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let path = format!("/v1/orgs/acme/members/{}", id_of(&owner).await);
    owner.delete(&path).await.refused("role.last_owner");
    owner.patch(&path, json!({"role": "admin"}), 1).await.refused("role.last_owner");
    let admin = app.member(&org, Role::Admin).await;
    let heir = format!("/v1/orgs/acme/members/{}", id_of(&admin).await);
    owner.patch(&heir, json!({"role": "owner"}), 1).await.expect(200);
    owner.delete(&path).await.expect(204);
    owner.get("/v1/orgs/acme").await.refused("object.not_found");
}

#[tokio::test]
async fn a_member_leaves_but_removes_nobody() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let (owner, auditor) =
        (app.member(&org, Role::Owner).await, app.member(&org, Role::Auditor).await);
    let owners = format!("/v1/orgs/acme/members/{}", id_of(&owner).await);
    auditor.delete(&owners).await.refused("role.forbidden");
    auditor.delete(&format!("/v1/orgs/acme/members/{}", id_of(&auditor).await)).await.expect(204);
    auditor.get("/v1/orgs/acme").await.refused("object.not_found");
    let listed = owner.get("/v1/orgs/acme/members").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["email"], "owner@acme.example");
}
