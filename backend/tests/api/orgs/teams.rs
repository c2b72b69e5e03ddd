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
      "id": "[id]",
      "slug": "data-platform",
      "name": "Data Platform",
      "cost_center": "4711",
      "created_at": "2026-03-01T12:00:00Z",
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

#[tokio::test]
async fn an_edit_replaces_what_it_names_keeps_the_rest_and_needs_the_version_it_saw() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    let made = admin.post("/v1/orgs/acme/teams", json!({"name": "A", "cost_center": "1"})).await;
    let path = format!("/v1/orgs/acme/teams/{}", made.json()["id"].as_str().unwrap());
    let edited = admin.patch(&path, json!({"name": "B"}), 1).await.expect(200);
    assert_eq!(edited.header("etag"), "\"2\"");
    let body = edited.json();
    assert_eq!(
        (&body["name"], &body["cost_center"], &body["slug"]),
        (&json!("B"), &json!("1"), &json!("a"))
    );
    let cleared = admin.patch(&path, json!({"cost_center": null}), 2).await.expect(200);
    assert_eq!(
        (&cleared.json()["name"], &cleared.json()["cost_center"]),
        (&json!("B"), &json!(null))
    );
    admin.patch(&path, json!({"name": "C"}), 2).await.refused("object.version_stale");
    let blind = admin.request(http::Method::PATCH, &path, Some("{}".to_owned()));
    admin.send(blind).await.refused("object.version_required");
    let mut odd = admin.request(http::Method::PATCH, &path, Some("{}".to_owned()));
    odd.headers_mut().insert("if-match", "W/\"3\"".parse().unwrap());
    admin.send(odd).await.refused("request.header_invalid");
    let wrong = admin.patch(&path, json!({"name": 7}), 3).await.refused("request.invalid");
    assert_eq!(wrong.pointers(), ["/name"]);
    admin.patch(&path, json!([]), 3).await.refused("request.invalid");
    assert_eq!(app.count("audit_entries where action = 'update_team'").await, 2);
}

#[tokio::test]
async fn pages_hold_every_team_once_while_more_arrive() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let admin = app.member(&org, Role::Admin).await;
    for n in 0..4 {
        app.clock.advance(chrono::TimeDelta::seconds(1));
        admin.post("/v1/orgs/acme/teams", json!({"name": format!("T{n}")})).await.expect(201);
    }
    let first = admin.get("/v1/orgs/acme/teams?limit=2").await.expect(200).json();
    app.clock.advance(chrono::TimeDelta::seconds(1));
    admin.post("/v1/orgs/acme/teams", json!({"name": "Late"})).await.expect(201);
    let mut names: Vec<String> = Vec::new();
    let mut page = first;
    loop {
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|team| team["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        page = admin.get(&format!("/v1/orgs/acme/teams?limit=2&cursor={next}")).await.json();
    }
    assert_eq!(names, ["T3", "T2", "T1", "T0", "Default"]);
    admin.get("/v1/orgs/acme/teams?cursor=nonsense").await.refused("request.cursor");
    for limit in ["0", "101", "-1", "x"] {
        let path = format!("/v1/orgs/acme/teams?limit={limit}");
        assert_eq!(admin.get(&path).await.refused("request.invalid").pointers(), ["?limit"]);
    }
}
