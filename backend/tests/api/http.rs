//! What holds for every route: refusals, headers, cookies, bodies.

use crate::harness::{PASSWORD, TestApp};
use contract::role::Role;
use http::Method;
use serde_json::json;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn what_no_route_takes_is_refused_as_problem_json() {
    let app = TestApp::start().await;
    app.nobody().get("/v1/nothing-here").await.refused("route.unknown");
    let (_, person) = app.person("ada@example.com", false).await;
    let wrong = person.delete("/v1/me").await;
    let wrong = wrong.refused("request.method");
    assert!(wrong.header("allow").contains("GET"), "{:?}", wrong.headers);
}

#[tokio::test]
async fn probes_answer_and_every_answer_carries_the_security_headers() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz", "/openapi.json"] {
        let reply = app.nobody().get(path).await.expect(200);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("x-request-id").starts_with("call_"));
    }
}

#[tokio::test]
async fn a_tampered_cookie_signs_nobody_in() {
    let app = TestApp::start().await;
    let (_, person) = app.person("ada@example.com", false).await;
    person.get("/v1/me").await.expect(200);
    let cookie = person.cookie();
    let flipped = if cookie.ends_with('A') { "Q" } else { "A" };
    let tampered = format!("{}{flipped}", &cookie[..cookie.len() - 1]);
    for bad in
        [tampered.as_str(), "__Host-tollgate_session=x", "__Host-tollgate_session=", "other=1"]
    {
        person.with_cookie(bad).get("/v1/me").await.refused("session.missing");
    }
}

#[tokio::test]
async fn a_session_ends_by_our_clock() {
    let app = TestApp::start().await;
    let (_, person) = app.person("ada@example.com", false).await;
    app.clock.advance(chrono::TimeDelta::days(15));
    person.get("/v1/me").await.refused("session.missing");
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut request = owner.request(
            Method::POST,
            "/v1/orgs/acme/teams",
            Some(json!({"name": "X"}).to_string()),
        );
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        request.headers_mut().insert(header, value.parse().unwrap());
        owner.send(request).await.refused("request.origin");
    }
    let mut own =
        owner.request(Method::POST, "/v1/orgs/acme/teams", Some(json!({"name": "X"}).to_string()));
    own.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    own.headers_mut().insert("origin", "http://127.0.0.1:7102".parse().unwrap());
    owner.send(own).await.expect(201);
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let send = async |body: &str, media: &str| {
        let mut request = owner.request(Method::POST, "/v1/orgs/acme/teams", Some(body.to_owned()));
        request.headers_mut().insert("content-type", media.parse().unwrap());
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        owner.send(request).await
    };
    send("{\"name\":", "application/json").await.refused("request.not_json");
    send("name=x", "application/x-www-form-urlencoded").await.refused("request.media_type");
    send(&"[".repeat(10_000), "application/json").await.refused("request.invalid");
    let large = json!({"name": "x".repeat(1_100_000)}).to_string();
    send(&large, "application/json").await.refused("request.too_large");
}

#[tokio::test]
async fn creating_takes_an_idempotency_key() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let body = Some(json!({"name": "X"}).to_string());
    let request = owner.request(Method::POST, "/v1/orgs/acme/teams", body);
    owner.send(request).await.refused("idempotency.required");
    let path = "/v1/orgs/acme/teams";
    for key in [String::new(), "k".repeat(256)] {
        owner.post_once(path, json!({"name": "X"}), &key).await.refused("request.header_invalid");
    }
    let mut odd = owner.request(Method::POST, path, Some(json!({"name": "X"}).to_string()));
    let bytes = http::HeaderValue::from_bytes(b"k\xff").unwrap();
    odd.headers_mut().insert("idempotency-key", bytes);
    owner.send(odd).await.refused("request.header_invalid");
}

#[tokio::test]
async fn one_form_posted_twice_at_once_is_done_once() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    let posts = (0..8).map(|_| {
        let owner = owner.clone();
        tokio::spawn(async move {
            owner.post_once("/v1/orgs/acme/teams", json!({"name": "X"}), "same").await
        })
    });
    let mut made = Vec::new();
    for post in posts.collect::<Vec<_>>() {
        let reply = post.await.unwrap();
        match reply.status.as_u16() {
            201 => made.push(reply.text),
            _ => assert_eq!(reply.refused("idempotency.in_flight").header("retry-after"), "1"),
        }
    }
    made.dedup();
    assert_eq!((made.len(), app.count("teams where name = 'X'").await), (1, 1));
}

#[tokio::test]
async fn without_postgres_every_answer_is_503_and_says_when_to_try_again() {
    let app = TestApp::without_postgres();
    app.nobody().get("/livez").await.expect(200);
    let sign_in = json!({"email": "ada@example.com", "password": "x"});
    let cookie = "__Host-tollgate_session=AAAAAAAAAAAAAAAAAAAAAA";
    let (ready, signing_in, me) = tokio::join!(
        async { app.nobody().get("/readyz").await },
        async { app.nobody().post("/v1/sign-in", sign_in).await },
        async { app.nobody().with_cookie(cookie).get("/v1/me").await },
    );
    for reply in [ready, signing_in, me] {
        assert_eq!(reply.refused("service.unavailable").header("retry-after"), "1");
    }
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let token = app.token("ada@example.com", "verify").await;
    let sign_in = json!({"email": "ada@example.com", "password": PASSWORD});
    let signed_in = ada.post("/v1/sign-in", sign_in).await.expect(200);
    let ada = ada.signed_in_by(&signed_in);
    let apps = ada.get("/v1/orgs/acme/apps").await.json();
    let key = json!({"app_id": apps["items"][0]["id"], "name": "k", "env": "live"});
    let key = ada.post("/v1/orgs/acme/keys", key).await.expect(201).json();
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("answered") && log.contains("/v1/orgs/{org}/keys"), "nothing was logged");
    let secret = key["secret"].as_str().unwrap();
    let cookie = ada.cookie().split_once('=').unwrap().1;
    for secret in [PASSWORD, &token, cookie, &secret[secret.len() - 38..], "$argon2id$"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
