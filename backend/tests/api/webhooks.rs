//! Webhooks, with a real receiver that checks every signature for itself.

use crate::harness::{Client, TestApp, TestOrg};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use backend::jobs;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use contract::role::Role;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};

const PATH: &str = "/v1/orgs/acme/webhooks";

/// One message as it arrived.
#[derive(Clone, Debug)]
struct Got {
    id: String,
    timestamp: i64,
    signature: String,
    body: String,
}

impl Got {
    /// HMAC-SHA256 written out (RFC 2104), not by the code under test, and compared without
    /// leaving early.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert!(key.len() <= 64);
        let padded = |with: u8| -> Vec<u8> {
            (0..64).map(|n| key.get(n).copied().unwrap_or(0) ^ with).collect()
        };
        let message = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
        let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
        let expected = format!("v1,{}", STANDARD.encode(outer));
        self.signature.split(' ').any(|signature| {
            let pairs = expected.bytes().zip(signature.bytes());
            expected.len() == signature.len()
                && pairs.fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
        })
    }
}

type Answers = Arc<Mutex<Vec<StatusCode>>>;

/// A receiver that gives `answers` in turn, then 200.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> Self {
        let got = Arc::<Mutex<Vec<Got>>>::default();
        let mut answers: Vec<_> =
            answers.iter().map(|status| StatusCode::from_u16(*status).unwrap()).collect();
        answers.reverse();
        let state = (got.clone(), Arc::new(Mutex::new(answers)));
        let router = Router::new().fallback(take).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, got }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn take(
    State((got, answers)): State<(Arc<Mutex<Vec<Got>>>, Answers)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    got.lock().unwrap().push(Got {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        body,
    });
    let status = answers.lock().unwrap().pop().unwrap_or(StatusCode::OK);
    (status, [("location", "/elsewhere")]).into_response()
}

struct Desk {
    app: TestApp,
    org: TestOrg,
    admin: Client,
}

impl Desk {
    async fn open(flags: &[&str]) -> Self {
        let app = TestApp::start_with(flags).await;
        let org = app.org("acme").await;
        let admin = app.member(&org, Role::Admin).await;
        Self { app, org, admin }
    }

    /// A webhook to `receiver`: its path and its secret.
    async fn make(&self, receiver: &Receiver) -> (String, String) {
        let made = self.admin.post(PATH, json!({"url": receiver.url})).await.expect(201).json();
        let path = format!("{PATH}/{}", made["webhook"]["id"].as_str().unwrap());
        (path, made["secret"].as_str().unwrap().to_owned())
    }

    async fn try_out(&self, path: &str) {
        self.admin.post(&format!("{path}/test"), json!({})).await.expect(202);
        jobs::run_due(&self.app.app).await.unwrap();
    }

    async fn deliveries(&self, path: &str) -> Value {
        self.admin.get(&format!("{path}/deliveries")).await.expect(200).json()["items"].clone()
    }
}

#[tokio::test]
async fn a_message_arrives_signed_and_a_changed_one_does_not_verify() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let receiver = Receiver::start(&[]).await;
    let (path, secret) = desk.make(&receiver).await;
    desk.try_out(&path).await;
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    assert!(got[0].is_signed_with(&secret), "{got:?}");
    assert_eq!(got[0].timestamp, desk.app.clock.now().timestamp());
    let body: Value = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["org_id"]),
        (&json!("webhook.test"), &json!(desk.org.id))
    );
    for changed in [
        Got { body: got[0].body.replace("test", "tost"), ..got[0].clone() },
        Got { timestamp: got[0].timestamp + 1, ..got[0].clone() },
        Got { id: "evt_x".into(), ..got[0].clone() },
    ] {
        assert!(!changed.is_signed_with(&secret));
    }
    let delivery = desk.deliveries(&path).await[0].clone();
    assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("delivered"), &json!(200)));
    assert_eq!(delivery["event_id"], json!(got[0].id));
}

#[tokio::test]
async fn a_budgets_alert_goes_to_each_webhook_once_and_with_the_alerts_id() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let (one, two) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    let (_, secret) = desk.make(&one).await;
    desk.make(&two).await;
    let budget = json!({
        "name": "B", "scope": {"kind": "org", "id": desk.org.id}, "amount_usd": "2",
        "window": "day", "action": {"kind": "deny"}, "thresholds": [50],
    });
    let budget = desk.admin.post("/v1/orgs/acme/budgets", budget).await.expect(201).json();
    let day: contract::Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    sqlx::query(
        "insert into usage_days (org_id, day, team_id, app_id, key_id, product_id, plan_id, model_id,
           requests, errors, input_tokens, cached_input_tokens, cache_write_tokens,
           audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens,
           audio_output_tokens, cost_nanos, newest_at)
         select $1, $2, $1, $1, $1, $1, $1, $1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1500000000, $2",
    )
    .bind(desk.org.id.0)
    .bind(day)
    .execute(&mut desk.app.sql().await)
    .await
    .unwrap();
    for _ in 0..3 {
        backend::usage::refresh(&desk.app.app).await.unwrap();
        jobs::run_due(&desk.app.app).await.unwrap();
    }
    let alerts = format!("/v1/orgs/acme/budgets/{}/alerts", budget["id"].as_str().unwrap());
    let alert = desk.admin.get(&alerts).await.json()["items"][0].clone();
    for receiver in [&one, &two] {
        let got = receiver.got();
        assert_eq!(got.len(), 1);
        assert_eq!(json!(got[0].id), alert["id"]);
        let body: Value = serde_json::from_str(&got[0].body).unwrap();
        assert_eq!(body["type"], "budget.threshold_reached");
        assert_eq!(body["data"]["spent_usd"], "1.50");
        assert_eq!(
            (&body["data"]["percent"], &body["data"]["limit_usd"]),
            (&json!(50), &json!("2.00"))
        );
    }
    assert!(one.got()[0].is_signed_with(&secret) && !two.got()[0].is_signed_with(&secret));
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_later_each_time_under_the_same_id() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let receiver = Receiver::start(&[500, 302, 503]).await;
    let (path, secret) = desk.make(&receiver).await;
    desk.try_out(&path).await;
    for wait in [1, 2, 4] {
        let before = receiver.got().len();
        desk.app.clock.advance(TimeDelta::milliseconds(wait * 1_000 - 1));
        jobs::run_due(&desk.app.app).await.unwrap();
        assert_eq!(receiver.got().len(), before, "not before its time");
        desk.app.clock.advance(TimeDelta::milliseconds(1));
        jobs::run_due(&desk.app.app).await.unwrap();
        assert_eq!(receiver.got().len(), before + 1);
    }
    let got = receiver.got();
    assert!(got.iter().all(|one| one.id == got[0].id && one.is_signed_with(&secret)));
    let times: Vec<_> = got.iter().map(|one| one.timestamp - got[0].timestamp).collect();
    assert_eq!(times, [0, 1, 3, 7], "each attempt is signed with its own time");
    let delivery = desk.deliveries(&path).await[0].clone();
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(4)));
}

#[tokio::test]
async fn a_message_that_nobody_takes_is_given_up_and_said_to_be() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let receiver = Receiver::start(&[404; 20]).await;
    let (path, _) = desk.make(&receiver).await;
    desk.try_out(&path).await;
    for _ in 0..15 {
        desk.app.clock.advance(TimeDelta::hours(1));
        jobs::run_due(&desk.app.app).await.unwrap();
    }
    assert_eq!(receiver.got().len(), 12);
    let delivery = desk.deliveries(&path).await[0].clone();
    assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("failed"), &json!(404)));
    assert!(delivery["last_error"].as_str().unwrap().contains("2xx"));
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_and_a_redirect_is_not_followed() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let gone = Receiver::start(&[410]).await;
    let (path, _) = desk.make(&gone).await;
    desk.try_out(&path).await;
    assert_eq!(desk.deliveries(&path).await[0]["state"], "failed");
    let listed = desk.admin.get(PATH).await.json();
    assert_ne!(listed["items"][0]["disabled_at"], Value::Null);
    desk.admin.post(&format!("{path}/test"), json!({})).await.refused("object.conflict");
    assert_eq!(gone.got().len(), 1);

    let redirects = Receiver::start(&[307]).await;
    let (path, _) = desk.make(&redirects).await;
    desk.try_out(&path).await;
    assert_eq!(redirects.got().len(), 1);
    let delivery = desk.deliveries(&path).await[0].clone();
    assert!(delivery["last_error"].as_str().unwrap().contains("redirects"));
}

#[tokio::test]
async fn no_webhook_reaches_a_host_within() {
    let desk = Desk::open(&[]).await;
    let receiver = Receiver::start(&[]).await;
    for url in [
        receiver.url.as_str(),
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "not an address",
    ] {
        let refused = desk.admin.post(PATH, json!({"url": url})).await.refused("request.invalid");
        assert_eq!(refused.pointers(), ["/url"], "{url}");
    }
    // A name that came to mean a host within after the webhook was made.
    let made = json!({"url": "https://example.com/"});
    let made = desk.admin.post(PATH, made).await.expect(201).json();
    let path = format!("{PATH}/{}", made["webhook"]["id"].as_str().unwrap());
    let rebound = receiver.url.replace("127.0.0.1", "localhost");
    sqlx::query("update webhooks set url = $1")
        .bind(rebound)
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    desk.try_out(&path).await;
    assert_eq!(receiver.got().len(), 0);
    let delivery = desk.deliveries(&path).await[0].clone();
    assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("waiting"), &Value::Null));
    assert!(delivery["last_error"].as_str().unwrap().contains("not one of the internet"));
}

#[tokio::test]
async fn a_secret_is_exchanged_without_a_message_that_either_side_cannot_check() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let receiver = Receiver::start(&[]).await;
    let (path, old) = desk.make(&receiver).await;
    let rotate = format!("{path}/rotate");
    let rotated = desk.admin.post(&rotate, json!({})).await.expect(201).json();
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    assert_eq!(rotated["webhook"]["old_secret_until"], "2026-03-02T12:00:00Z");
    desk.try_out(&path).await;
    let both = receiver.got().pop().unwrap();
    assert!(both.is_signed_with(&old) && both.is_signed_with(&new), "{both:?}");
    // The day is over; a session would be too.
    sqlx::query("update webhooks set old_secret_until = $1")
        .bind(desk.app.clock.now())
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    desk.try_out(&path).await;
    let last = receiver.got().pop().unwrap();
    assert!(!last.is_signed_with(&old) && last.is_signed_with(&new), "{last:?}");
    let listed = desk.admin.get(PATH).await.json();
    assert_eq!(listed["items"][0]["old_secret_until"], Value::Null);
    assert_eq!(desk.app.count("audit_entries where action = 'rotate_webhook'").await, 1);
    let auditor = desk.app.member(&desk.org, Role::Auditor).await;
    auditor.post(&rotate, json!({})).await.refused("role.forbidden");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_stored_sealed() {
    let desk = Desk::open(&["--webhook-private"]).await;
    let receiver = Receiver::start(&[]).await;
    let (path, secret) = desk.make(&receiver).await;
    let listed = desk.admin.get(PATH).await;
    assert!(!listed.text.contains("whsec_") && listed.text.contains(&receiver.url));
    let bare = secret.trim_start_matches("whsec_");
    let stored: String = sqlx::query_scalar(
        "select concat((select string_agg(secret::text, '') from webhooks),
           (select string_agg(concat(before, after), '') from audit_entries))",
    )
    .fetch_one(&mut desk.app.sql().await)
    .await
    .unwrap();
    assert!(!stored.contains(bare));
    desk.admin.post(PATH, json!({"url": receiver.url})).await.refused("object.conflict");
    desk.admin.delete(&path).await.expect(204);
    assert_eq!(desk.app.count("webhook_deliveries").await, 0);
    assert_eq!(desk.app.count("audit_entries").await, 2);
    let auditor = desk.app.member(&desk.org, Role::Auditor).await;
    auditor.get(PATH).await.expect(200);
    let developer = desk.app.member(&desk.org, Role::Developer).await;
    developer.get(PATH).await.refused("role.forbidden");
}
