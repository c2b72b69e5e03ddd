//! The audit log.

use crate::harness::TestApp;
use backend::audit;
use contract::role::Role;
use serde_json::json;
use sqlx::Executor as _;

#[tokio::test]
async fn an_entry_says_who_did_what_as_what_from_where_before_and_after() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let reply = owner.patch("/v1/orgs/acme", json!({"name": "New"}), 1).await.expect(200);
    let entries = owner.get("/v1/orgs/acme/audit").await.expect(200).json();
    let entry = &entries["items"][0];
    assert_eq!(entry["action"], "update_org");
    assert_eq!(entry["actor_email"], "owner@acme.example");
    assert_eq!(entry["actor_role"], "owner");
    assert_eq!(
        (&entry["before"]["name"], &entry["after"]["name"]),
        (&json!("acme"), &json!("New"))
    );
    assert_eq!(entry["request_id"], reply.header("x-request-id"));
    let developer = app.member(&org, Role::Developer).await;
    developer.get("/v1/orgs/acme/audit").await.refused("role.forbidden");
}

#[tokio::test]
async fn the_log_pages_and_filters_without_losing_order() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    for n in 0..5 {
        owner.post("/v1/orgs/acme/teams", json!({"name": format!("T{n}")})).await.expect(201);
    }
    owner.patch("/v1/orgs/acme", json!({"name": "New"}), 1).await.expect(200);
    let mut names = Vec::new();
    let mut path = "/v1/orgs/acme/audit?action=create_team&limit=2".to_owned();
    loop {
        let page = owner.get(&path).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|e| e["after"]["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/orgs/acme/audit?action=create_team&limit=2&cursor={next}");
    }
    assert_eq!(names, ["T4", "T3", "T2", "T1", "T0"]);
    let me = owner.get("/v1/me").await.json()["id"].as_str().unwrap().to_owned();
    let mine = owner.get(&format!("/v1/orgs/acme/audit?actor={me}")).await.json();
    assert_eq!(mine["items"].as_array().unwrap().len(), 6);
    owner.get("/v1/orgs/acme/audit?actor=nobody").await.refused("request.invalid");
}

#[tokio::test]
async fn an_edited_or_a_removed_entry_shows() {
    for damage in [
        "update audit_entries set after = '{\"name\":\"Y\"}' where seq = 2",
        "update audit_entries set actor_name = 'somebody' where seq = 2",
        "delete from audit_entries where seq = 2",
    ] {
        let app = TestApp::start().await;
        let org = app.org("acme").await;
        let owner = app.member(&org, Role::Owner).await;
        for name in ["A", "B", "C"] {
            owner.post("/v1/orgs/acme/teams", json!({"name": name})).await.expect(201);
        }
        let whole = audit::verify(&app.app).await.unwrap();
        assert_eq!((whole[0].entries, whole[0].broken_at), (3, None));
        app.sql().await.execute(damage).await.unwrap();
        let broken = audit::verify(&app.app).await.unwrap();
        assert_eq!((broken[0].entries, broken[0].broken_at), (1, Some(2)), "{damage}");
    }
}

#[tokio::test]
async fn changes_at_the_same_moment_still_make_one_chain() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let posts = (0..12).map(|n| {
        let owner = owner.clone();
        tokio::spawn(async move {
            owner.post("/v1/orgs/acme/teams", json!({"name": format!("T{n}")})).await.expect(201)
        })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.unwrap();
    }
    let verdicts = audit::verify(&app.app).await.unwrap();
    assert_eq!((verdicts[0].entries, verdicts[0].broken_at), (12, None));
}

#[tokio::test]
async fn the_clients_address_comes_from_a_trusted_peer_only() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    for (name, peer, expected) in
        [("A", "127.0.0.1:9", "203.0.113.7"), ("B", "198.51.100.2:9", "198.51.100.2")]
    {
        let body = Some(json!({"name": name}).to_string());
        let mut request = owner.request(http::Method::POST, "/v1/orgs/acme/teams", body);
        request.headers_mut().insert("idempotency-key", name.parse().unwrap());
        request.headers_mut().insert("x-forwarded-for", "10.9.9.9, 203.0.113.7".parse().unwrap());
        let peer: std::net::SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        owner.send(request).await.expect(201);
        let entries = owner.get("/v1/orgs/acme/audit?limit=1").await.json();
        assert_eq!(entries["items"][0]["ip"], expected);
    }
}
