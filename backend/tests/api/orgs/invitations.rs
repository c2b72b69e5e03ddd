//! Invitations.

use crate::harness::TestApp;
use chrono::TimeDelta;
use contract::role::Role;
use serde_json::json;

#[tokio::test]
async fn an_invitation_makes_the_invited_person_a_member_once() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let body = json!({"email": "Bob@Example.com", "role": "developer"});
    admin.post("/v1/orgs/acme/invitations", body).await.expect(201);
    let token = json!({"token": app.token("bob@example.com", "invite").await});

    let (_, eve) = app.person("eve@example.com", false).await;
    eve.post("/v1/accept-invitation", token.clone()).await.refused("invitation.other_address");
    let (_, bob) = app.person("bob@example.com", false).await;
    let joined = bob.post("/v1/accept-invitation", token.clone()).await.expect(200).json();
    assert_eq!((&joined["slug"], &joined["role"]), (&json!("acme"), &json!("developer")));
    bob.get("/v1/orgs/acme").await.expect(200);
    bob.post("/v1/accept-invitation", token).await.refused("session.token_invalid");
    let waiting = admin.get("/v1/orgs/acme/invitations").await.expect(200).json();
    assert_eq!(waiting["items"], json!([]));
    let entry =
        "audit_entries where action = 'accept_invitation' and actor_email = 'bob@example.com'";
    assert_eq!(app.count(entry).await, 1);
}

#[tokio::test]
async fn a_revoked_or_expired_invitation_lets_nobody_in() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let (_, bob) = app.person("bob@example.com", false).await;
    let body = json!({"email": "bob@example.com", "role": "developer"});
    let made = admin.post("/v1/orgs/acme/invitations", body.clone()).await.expect(201).json();
    let first = app.token("bob@example.com", "invite").await;
    admin.post("/v1/orgs/acme/invitations", body.clone()).await.refused("object.conflict");
    let path = format!("/v1/orgs/acme/invitations/{}", made["id"].as_str().unwrap());
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.refused("object.not_found");
    bob.post("/v1/accept-invitation", json!({"token": first}))
        .await
        .refused("session.token_invalid");

    app.clock.advance(TimeDelta::seconds(1));
    admin.post("/v1/orgs/acme/invitations", body.clone()).await.expect(201);
    let second = app.token("bob@example.com", "invite").await;
    app.clock.advance(TimeDelta::days(8));
    bob.post("/v1/accept-invitation", json!({"token": second}))
        .await
        .refused("session.token_invalid");
    admin.post("/v1/orgs/acme/invitations", body).await.expect(201);
}

#[tokio::test]
async fn nobody_invites_above_their_own_role() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let path = "/v1/orgs/acme/invitations";
    let owner = json!({"email": "x@example.com", "role": "owner"});
    admin.post(path, owner).await.refused("role.forbidden");
    let member = json!({"email": "admin@acme.example", "role": "developer"});
    admin.post(path, member).await.refused("object.conflict");
    let bad = admin.post(path, json!({"email": "x", "role": "developer"})).await;
    assert_eq!(bad.refused("request.invalid").pointers(), ["/email"]);
    assert_eq!((app.count("mails").await, app.count("invitations").await), (0, 0));
}
