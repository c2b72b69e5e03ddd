//! What every page and every form promises.

use crate::support::{Asked, Call, Portal, id, me, ok, refusal};
use axum::response::{IntoResponse as _, Response};
use contract::error::ErrorCode;
use http::{Request, StatusCode, header};
use serde_json::json;

const SESSION: &str = "__Host-tollgate_session=owner; Path=/; HttpOnly; Secure; SameSite=Lax";

fn play(call: &Call) -> Option<Response> {
    let Call { what, body, .. } = call;
    match what.as_str() {
        "POST /v1/sign-up" if body["password"].as_str().unwrap().len() < 12 => {
            refusal(ErrorCode::RequestInvalid, &[("/password", "Use at least 12 characters.")])
        }
        "POST /v1/sign-up" => {
            let sent = json!({"email": body["email"]});
            Some((StatusCode::ACCEPTED, axum::Json(sent)).into_response())
        }
        "POST /v1/verify-email" if body["token"] == "good" => {
            let me = me("ada@example.com", "owner");
            Some(([(header::SET_COOKIE, SESSION)], axum::Json(me)).into_response())
        }
        "POST /v1/verify-email" => refusal(ErrorCode::TokenInvalid, &[]),
        "POST /v1/sign-out" => Some(StatusCode::NO_CONTENT.into_response()),
        "GET /v1/orgs/acme/onboarding" => ok(json!({
            "first_key_at": null, "first_call_at": null, "first_usage_at": null,
            "app_id": id("app", 0), "sample_model": "aurora",
        })),
        _ => None,
    }
}

const GOOD: [(&str, &str); 5] = [
    ("name", "Ada"),
    ("email", "ada@example.com"),
    ("org_name", "Acme"),
    ("password", "correct horse battery"),
    ("_key", "k1"),
];

#[tokio::test]
async fn a_refused_form_comes_back_with_what_was_typed_and_what_was_wrong() {
    let mut portal = Portal::start(play).await;
    let answer = portal
        .post(
            "/signup",
            &[
                ("name", "Ada \"A\""),
                ("email", "ada@example.com"),
                ("password", "short"),
                ("_key", "k1"),
            ],
        )
        .await;
    assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, "/signup"));

    let page = portal.get("/signup").await.body;
    assert!(page.contains("<title>Error: "), "the title says so");
    assert!(page.contains("There is a problem"));
    assert!(page.contains("href=\"#field-password\""), "the summary links to the field");
    assert!(page.contains("aria-describedby=\"field-password-hint field-password-error\""));
    assert!(page.contains("value=\"Ada &quot;A&quot;\""), "typed values are kept, escaped");
    assert!(!page.contains("short"), "a password is never sent back");
    assert!(!page.contains("value=\"k1\""), "a refused form is a new attempt");

    let again = portal.get("/signup").await.body;
    assert!(!again.contains("There is a problem"), "the state is read once");
}

#[tokio::test]
async fn signing_up_goes_to_the_mail_page_and_the_link_signs_the_same_browser_in_at_once() {
    let mut portal = Portal::start(play).await;
    let answer = portal.post("/signup", &GOOD).await;
    assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, "/signup/sent"));
    let Call { headers, body, .. } = portal.asked.last("POST /v1/sign-up");
    assert_eq!(headers["idempotency-key"], "k1");
    assert!(headers.contains_key("x-request-id"));
    assert_eq!(body["org_name"], "Acme");
    assert!(portal.get("/signup/sent").await.body.contains("ada@example.com"));

    let answer = portal.get("/verify/good").await;
    assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, "/o/acme"));
    let home = portal.get("/o/acme").await;
    assert_eq!(home.status, StatusCode::OK);
    assert!(home.body.contains("Your address is confirmed"));
    assert!(home.body.contains("action=\"/logout\""), "sign-out is on the page");
    assert!(!home.body.contains("<b>Lovelace"), "names are escaped");
}

#[tokio::test]
async fn a_program_that_opens_mailed_links_does_not_burn_them() {
    let mut scanner = Portal::start(play).await;
    let page = scanner.get("/verify/good").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("method=\"post\" action=\"/verify/good\""));
    assert_eq!(scanner.asked.count("POST /v1/verify-email"), 0);
    let answer = scanner.post("/verify/good", &[]).await;
    assert_eq!(answer.to(), "/o/acme", "the button does it");
}

#[tokio::test]
async fn a_dead_link_says_so() {
    let mut portal = Portal::start(play).await;
    let answer = portal.post("/verify/used", &[]).await;
    assert_eq!(answer.to(), "/verify/used");
    let page = portal.get("/verify/used").await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.body.contains("This link no longer works"));
}

#[tokio::test]
async fn somebody_elses_link_does_not_sign_this_browser_in() {
    let mut portal = Portal::start(play).await;
    let fields: Vec<_> =
        GOOD.iter().map(|(n, v)| (*n, if *n == "email" { "eve@example.com" } else { v })).collect();
    portal.post("/signup", &fields).await;
    let answer = portal.get("/verify/good").await;
    assert_eq!(answer.to(), "/login");
    assert!(portal.cookies.iter().all(|(name, _)| name != "__Host-tollgate_session"));
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_before_it_reaches_the_control_api() {
    let mut portal = Portal::start(play).await;
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("x-nothing", "1")]
    {
        let request = Request::post("/signup")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = portal.send(request, "name=x".into()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
        assert!(answer.body.contains("came from another site"));
    }
    assert_eq!(portal.asked.count("POST /v1/sign-up"), 0);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_no_inline_code() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    for path in ["/", "/signup", "/o/acme", "/docs/errors/key.revoked", "/nothing-here"] {
        let answer = portal.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("unsafe-inline") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "same-origin");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(answer.headers.contains_key("permissions-policy"));
        assert!(answer.headers.contains_key("x-request-id"));
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick="), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_yours_look_the_same() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    for path in ["/nothing-here", "/o/other-org", "/docs/errors/no.such"] {
        let answer = portal.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("There is nothing here"));
        assert!(answer.body.contains(answer.headers["x-request-id"].to_str().unwrap()));
    }
}

#[tokio::test]
async fn a_private_page_asks_to_sign_in_and_remembers_where_to() {
    let mut portal = Portal::start(play).await;
    let answer = portal.get("/o/acme?tab=1").await;
    assert_eq!(
        (answer.status, answer.to()),
        (StatusCode::SEE_OTHER, "/login?next=%2Fo%2Facme%3Ftab%3D1")
    );
}

#[tokio::test]
async fn signing_out_forgets_the_session_and_hands_it_to_nobody() {
    let mut portal = Portal::start(play).await.signed_in("owner");
    let answer = portal.post("/logout", &[("_key", "k")]).await;
    assert_eq!(answer.to(), "/login");
    assert!(portal.cookies.iter().all(|(name, _)| name != "__Host-tollgate_session"));
    assert_eq!(
        portal.asked.last("POST /v1/sign-out").headers[header::COOKIE],
        "__Host-tollgate_session=owner"
    );
    assert!(portal.get("/login").await.body.contains("You are signed out."));
}

#[tokio::test]
async fn without_the_control_api_pages_say_503_and_a_form_can_be_sent_again_as_the_same_attempt() {
    let mut portal = Portal::over("http://127.0.0.1:9", Asked::default());
    let answer = portal.post("/signup", &GOOD).await;
    assert_eq!(answer.to(), "/signup");
    let page = portal.get("/signup").await.body;
    assert!(page.contains("did not answer") && page.contains("value=\"Ada\""));
    assert!(page.contains("value=\"k1\""), "the idempotency key is kept");

    let mut portal = portal.signed_in("owner");
    let answer = portal.get("/o/acme").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("We cannot answer right now"));
    assert_eq!(portal.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(portal.get("/livez").await.status, StatusCode::OK);
    assert_eq!(portal.get("/").await.status, StatusCode::OK, "the start page stands");
}

#[tokio::test]
async fn the_theme_is_in_the_first_byte() {
    let mut portal = Portal::start(play).await;
    let answer = portal.post("/theme", &[("theme", "dark"), ("back", "/signup")]).await;
    assert_eq!(answer.to(), "/signup");
    assert!(portal.get("/signup").await.body.contains("data-theme=\"dark\""));
    let answer =
        portal.post("/theme", &[("theme", "x\" onload=\""), ("back", "//evil.example")]).await;
    assert_eq!(answer.to(), "/");
    assert!(portal.get("/signup").await.body.contains("data-theme=\"system\""));
}

#[tokio::test]
async fn every_error_code_has_its_page() {
    let mut portal = Portal::start(play).await;
    for code in ErrorCode::ALL {
        let answer = portal.get(&format!("/docs/errors/{code}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{code}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_gets_a_page_that_says_why() {
    let mut portal = Portal::start(play).await;
    let request = Request::post("/signup")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, "http://127.0.0.1:7102");
    let answer = portal.send(request, "{}".into()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let fields: Vec<_> = (0..30_000).map(|_| ("name", "0123456789")).collect();
    assert_eq!(portal.post("/signup", &fields).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_browser_that_looks_ahead_uses_nothing_up() {
    let mut portal = Portal::start(play).await;
    portal.post("/signup", &GOOD).await;
    for ahead in [
        Request::get("/verify/good").header("sec-purpose", "prefetch;prerender"),
        Request::head("/verify/good"),
    ] {
        portal.send(ahead, axum::body::Body::empty()).await;
    }
    assert_eq!(portal.asked.count("POST /v1/verify-email"), 0);
    assert_eq!(portal.get("/verify/good").await.to(), "/o/acme");
}

#[tokio::test]
async fn only_answers_to_nobody_are_compressed() {
    let mut portal = Portal::start(play).await;
    let gzip = || Request::get("/").header(header::ACCEPT_ENCODING, "gzip");
    let open = portal.send(gzip(), axum::body::Body::empty()).await;
    assert_eq!(open.headers["content-encoding"], "gzip");
    let private = portal.signed_in("owner").send(gzip(), axum::body::Body::empty()).await;
    assert!(!private.headers.contains_key("content-encoding"));
}
