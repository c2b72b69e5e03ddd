//! Signing up, in and out, and getting a lost account back.

use crate::harness::{PASSWORD, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};

fn sign_up(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Ada", "org_name": "Acme"})
}

#[tokio::test]
async fn a_stranger_signs_up_and_only_has_to_make_a_key() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme Labs").await;
    let me = ada.get("/v1/me").await.expect(200).json();
    assert_eq!(me["email"], "ada@example.com");
    assert_eq!(
        (&me["orgs"][0]["slug"], &me["orgs"][0]["role"]),
        (&json!("acme-labs"), &json!("owner"))
    );
    let apps = ada.get("/v1/orgs/acme-labs/apps").await.expect(200).json();
    let body = json!({"app_id": apps["items"][0]["id"], "name": "First", "env": "live"});
    ada.post("/v1/orgs/acme-labs/keys", body).await.expect(201);
    let actions: Vec<String> =
        sqlx::query_scalar("select action from audit_entries order by org_id nulls first, seq")
            .fetch_all(&mut app.sql().await)
            .await
            .unwrap();
    assert_eq!(actions, ["create_org", "create_team", "create_app", "sign_up", "create_key"]);
}

#[tokio::test]
async fn the_link_of_a_sign_up_works_once_and_for_a_day() {
    let app = TestApp::start().await;
    let nobody = app.nobody();
    nobody.post("/v1/sign-up", sign_up("ada@example.com")).await.expect(202);
    let late = json!({"token": app.token("ada@example.com", "verify").await});
    app.clock.advance(TimeDelta::hours(25));
    nobody.post("/v1/verify-email", late).await.refused("session.token_invalid");

    nobody.post("/v1/sign-up", sign_up("ada@example.com")).await.expect(202);
    let token = json!({"token": app.token("ada@example.com", "verify").await});
    nobody.post("/v1/verify-email", token.clone()).await.expect(200);
    nobody.post("/v1/verify-email", token).await.refused("session.token_invalid");
    nobody
        .post("/v1/verify-email", json!({"token": "nonsense"}))
        .await
        .refused("session.token_invalid");
    assert_eq!((app.count("people").await, app.count("orgs").await), (1, 1));
}

#[tokio::test]
async fn a_known_address_gets_the_same_answer_and_a_different_mail() {
    let app = TestApp::start().await;
    let nobody = app.nobody();
    let first = nobody.post("/v1/sign-up", sign_up("ada@example.com")).await.expect(202);
    let token = json!({"token": app.token("ada@example.com", "verify").await});
    nobody.post("/v1/verify-email", token).await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    let second = nobody.post("/v1/sign-up", sign_up("ADA@example.com")).await.expect(202);
    assert_eq!(first.text, second.text);
    assert!(app.mail("ada@example.com").await.unwrap().contains("It has an account already"));
    assert_eq!(app.count("sign_ups").await, 0);
}

#[tokio::test]
async fn a_prepared_sign_up_gives_its_author_nothing() {
    let app = TestApp::start().await;
    let nobody = app.nobody();
    let theirs = json!({"email": "ada@example.com", "password": "the attacker's own", "name": "Eve", "org_name": "Evil"});
    nobody.post("/v1/sign-up", theirs).await.expect(202);
    app.clock.advance(TimeDelta::seconds(1));
    let ada = app.sign_up("ada@example.com", "Acme").await;
    assert_eq!(ada.get("/v1/me").await.json()["orgs"][0]["slug"], "acme");
    let attempt = json!({"email": "ada@example.com", "password": "the attacker's own"});
    nobody.post("/v1/sign-in", attempt).await.refused("session.refused");
}

#[tokio::test]
async fn every_field_of_a_sign_up_is_checked_at_once_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let bad =
        json!({"email": "nobody", "password": "short", "name": "", "org_name": "x".repeat(101)});
    let refused = app.nobody().post("/v1/sign-up", bad).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/email", "/password", "/name", "/org_name"]);
    assert_eq!((app.count("mails").await, app.count("throttles").await), (0, 0));
}

#[tokio::test]
async fn a_resent_link_replaces_the_first() {
    let app = TestApp::start().await;
    let nobody = app.nobody();
    nobody.post("/v1/sign-up", sign_up("ada@example.com")).await.expect(202);
    let first = app.token("ada@example.com", "verify").await;
    app.clock.advance(TimeDelta::seconds(1));
    let known = nobody
        .post("/v1/resend-verification", json!({"email": "ada@example.com"}))
        .await
        .expect(202);
    let unknown = nobody
        .post("/v1/resend-verification", json!({"email": "bob@example.com"}))
        .await
        .expect(202);
    assert_eq!(known.text.replace("ada", "bob"), unknown.text);
    assert!(app.mail("bob@example.com").await.is_none());
    nobody.post("/v1/verify-email", json!({"token": first})).await.refused("session.token_invalid");
    let second = app.token("ada@example.com", "verify").await;
    nobody.post("/v1/verify-email", json!({"token": second})).await.expect(200);
}

#[tokio::test]
async fn signing_in_gives_a_new_hardened_cookie_and_signing_out_ends_it() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let body = json!({"email": " ADA@example.com", "password": PASSWORD});
    let reply = ada.post("/v1/sign-in", body).await.expect(200);
    let cookie = reply.header("set-cookie");
    for part in
        ["__Host-tollgate_session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="]
    {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let again = ada.signed_in_by(&reply);
    assert_ne!(again.cookie(), ada.cookie());
    ada.get("/v1/me").await.refused("session.missing");
    again.post("/v1/sign-out", json!({})).await.expect(204);
    again.get("/v1/me").await.refused("session.missing");
    assert_eq!(app.count("sessions").await, 0);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let wrong = json!({"email": "ada@example.com", "password": "wrong horse battery"});
    let unknown = json!({"email": "bob@example.com", "password": "wrong horse battery"});
    let wrong = app.nobody().post("/v1/sign-in", wrong).await.refused("session.refused");
    let unknown = app.nobody().post("/v1/sign-in", unknown).await.refused("session.refused");
    assert_eq!(wrong.comparable(), unknown.comparable());
    assert!(wrong.header("set-cookie").is_empty());
}

#[tokio::test]
async fn whoever_has_not_opened_the_mail_is_told_so_if_they_know_the_password() {
    let app = TestApp::start().await;
    let nobody = app.nobody();
    nobody.post("/v1/sign-up", sign_up("ada@example.com")).await.expect(202);
    let right = json!({"email": "ada@example.com", "password": PASSWORD});
    nobody.post("/v1/sign-in", right).await.refused("session.email_unverified");
    let wrong = json!({"email": "ada@example.com", "password": "wrong horse battery"});
    nobody.post("/v1/sign-in", wrong).await.refused("session.refused");
}

#[tokio::test]
async fn guessing_slows_down_for_known_and_unknown_accounts_alike() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    for email in ["ada@example.com", "bob@example.com"] {
        let guess = json!({"email": email, "password": "wrong horse battery"});
        for _ in 0..5 {
            app.nobody().post("/v1/sign-in", guess.clone()).await.refused("session.refused");
        }
        let held =
            app.nobody().post("/v1/sign-in", guess.clone()).await.refused("session.throttled");
        let wait: i64 = held.header("retry-after").parse().unwrap();
        assert!((1..=6).contains(&wait), "{wait}");
        app.clock.advance(TimeDelta::seconds(wait));
        app.nobody().post("/v1/sign-in", guess.clone()).await.refused("session.refused");
        let held = app.nobody().post("/v1/sign-in", guess).await.refused("session.throttled");
        assert!(held.header("retry-after").parse::<i64>().unwrap() > wait);
    }
    let right = json!({"email": "ada@example.com", "password": PASSWORD});
    app.nobody().post("/v1/sign-in", right.clone()).await.refused("session.throttled");
    app.clock.advance(TimeDelta::minutes(15));
    app.nobody().post("/v1/sign-in", right).await.expect(200);
}

#[tokio::test]
async fn guesses_sent_at_once_do_not_slip_through() {
    let app = TestApp::start().await;
    let guesses = (0..20).map(|_| {
        let nobody = app.nobody();
        let guess = json!({"email": "ada@example.com", "password": "wrong horse battery"});
        tokio::spawn(async move { nobody.post("/v1/sign-in", guess).await.json()["code"].clone() })
    });
    let mut judged = 0;
    for guess in guesses.collect::<Vec<_>>() {
        judged += usize::from(guess.await.unwrap() == "session.refused");
    }
    assert_eq!(judged, 5);
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_mail_and_every_session_ends() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    app.clock.advance(TimeDelta::seconds(1));
    let nobody = app.nobody();
    let known = nobody.post("/v1/recover", json!({"email": "ada@example.com"})).await.expect(202);
    let unknown = nobody.post("/v1/recover", json!({"email": "bob@example.com"})).await.expect(202);
    assert_eq!(known.text.replace("ada", "bob"), unknown.text);
    let token = app.token("ada@example.com", "recover").await;
    let short = json!({"token": token, "password": "short"});
    assert_eq!(nobody.post("/v1/reset-password", short).await.pointers(), ["/password"]);
    let new = json!({"token": token, "password": "a new and longer one"});
    let reply = nobody.post("/v1/reset-password", new.clone()).await.expect(200);
    nobody.signed_in_by(&reply).get("/v1/me").await.expect(200);
    ada.get("/v1/me").await.refused("session.missing");
    nobody.post("/v1/reset-password", new).await.refused("session.token_invalid");
    let old = json!({"email": "ada@example.com", "password": PASSWORD});
    nobody.post("/v1/sign-in", old).await.refused("session.refused");
    let now = json!({"email": "ada@example.com", "password": "a new and longer one"});
    nobody.post("/v1/sign-in", now).await.expect(200);
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    sqlx::query("update people set disabled_at = now()")
        .execute(&mut app.sql().await)
        .await
        .unwrap();
    ada.get("/v1/me").await.refused("session.missing");
    let right = json!({"email": "ada@example.com", "password": PASSWORD});
    app.nobody().post("/v1/sign-in", right).await.refused("session.refused");
}
