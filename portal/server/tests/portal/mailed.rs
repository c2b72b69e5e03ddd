//! What mailed links promise: opening one changes nothing, a button does.

use crate::support::{Call, Portal, me, ok, refusal};
use axum::response::{IntoResponse as _, Response};
use contract::error::ErrorCode;
use http::{StatusCode, header};
use serde_json::json;

const SESSION: &str = "__Host-tollgate_session=owner; Path=/; HttpOnly; Secure; SameSite=Lax";

fn play(call: &Call) -> Option<Response> {
    let Call { what, body, .. } = call;
    match what.as_str() {
        "POST /v1/recover" => ok(json!({"email": body["email"]})),
        "POST /v1/reset-password" if body["token"] == "good" => {
            let me = me("ada@example.com", "owner");
            Some(([(header::SET_COOKIE, SESSION)], axum::Json(me)).into_response())
        }
        "POST /v1/reset-password" => refusal(ErrorCode::TokenInvalid, &[]),
        "POST /v1/accept-invitation" if call.session().is_some() => {
            ok(me("ada@example.com", "owner")["orgs"][0].clone())
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_mailed_link_sets_a_new_password_and_a_dead_one_says_so() {
    let mut portal = Portal::start(play).await;
    let answer = portal.post("/recover", &[("email", "ada@example.com")]).await;
    assert_eq!(answer.to(), "/recover/sent");
    assert!(portal.get("/recover/sent").await.body.contains("ada@example.com"));

    let answer = portal.post("/recover/used", &[("password", "correct horse battery")]).await;
    assert_eq!(answer.to(), "/recover/used");
    let page = portal.get("/recover/used").await.body;
    assert!(page.contains("There is a problem") && page.contains("href=\"/recover\""));

    assert_eq!(portal.get("/recover/good").await.status, StatusCode::OK);
    assert_eq!(portal.asked.count("POST /v1/reset-password"), 1, "looking sets nothing");
    let answer = portal.post("/recover/good", &[("password", "correct horse battery")]).await;
    assert_eq!(answer.to(), "/o/acme");
}

#[tokio::test]
async fn an_invitation_is_accepted_by_a_button_and_only_by_somebody_signed_in() {
    let mut portal = Portal::start(play).await;
    assert_eq!(portal.get("/invite/good").await.to(), "/login?next=%2Finvite%2Fgood");
    let mut portal = portal.signed_in("owner");
    assert_eq!(portal.get("/invite/good").await.status, StatusCode::OK);
    assert_eq!(portal.asked.count("POST /v1/accept-invitation"), 0);
    assert_eq!(portal.post("/invite/good", &[]).await.to(), "/o/acme");
    assert_eq!(portal.asked.last("POST /v1/accept-invitation").body["token"], "good");
}
