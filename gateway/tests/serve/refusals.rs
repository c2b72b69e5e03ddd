//! Calls that are refused before a provider hears of them: every one with its status, its code,
//! and nothing metered.

use crate::support::{EMBED, MODEL, Stack, World, at, chat, deterministic, error};
use contract::Timestamp;
use contract::key::{self, KeyEnv};
use contract::snapshot::{Lifecycle, Metric, SubscriptionState, Window};
use gateway::worker::Bounds;
use serde_json::json;
use std::time::Duration;

/// The code that a chat call is refused with, in a world changed so.
async fn refused(change: impl FnOnce(&mut World)) -> (u16, String) {
    let stack = Stack::of(change).await;
    let (status, code, _) = error(stack.chat("").await).await;
    assert_eq!(stack.sim.stats().calls, 0, "the provider must not hear of a refused call");
    (status, code)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A well-formed key with this public id, and a secret that is not its own.
fn with_another_secret(public_id: &str) -> key::NewKey {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // A byte below 62 draws the character at its place.
    let places = public_id.chars().map(|c| u8::try_from(ALPHABET.find(c).unwrap()).unwrap());
    let mut bytes = places.chain(std::iter::repeat(7));
    key::make(KeyEnv::Live, move |buf: &mut [u8]| buf.fill_with(|| bytes.next().unwrap()))
}

#[tokio::test]
async fn a_call_without_a_key_or_with_a_broken_one_is_refused() {
    let stack = Stack::start().await;
    let stranger = key::make(KeyEnv::Live, deterministic(77));
    let whole = stack.world.key_text.clone();
    let (cut, test) = (&whole[..whole.len() - 1], whole.replacen("live", "test", 1));
    let wrong_secret = with_another_secret(&stack.world.key.public_id);
    assert_eq!(wrong_secret.public_id, stack.world.key.public_id);
    assert_ne!(wrong_secret.reveal(), whole);
    for (name, value, code) in [
        ("authorization", String::new(), "key.malformed"),
        ("authorization", "Bearer".into(), "key.malformed"),
        ("authorization", "Basic dXNlcjpwYXNz".into(), "key.malformed"),
        ("authorization", format!("Bearer {cut}"), "key.malformed"),
        ("authorization", format!("Bearer {test}"), "key.malformed"),
        ("authorization", "Bearer sk-of-another-service".into(), "key.malformed"),
        ("authorization", format!("Bearer {}", stranger.reveal()), "key.unknown"),
        ("authorization", format!("Bearer {}", wrong_secret.reveal()), "key.unknown"),
        ("x-api-key", "x".into(), "key.malformed"),
        ("x-nothing", "x".into(), "key.missing"),
    ] {
        let request = stack.client.post(stack.url("/v1/chat/completions")).header(name, &value);
        let response = request.json(&chat("")).send().await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let (status, found, _) = error(response).await;
        assert_eq!((status, found.as_str()), (401, code), "{name}: {value}");
    }
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn a_key_that_no_longer_counts_is_refused_with_its_reason() {
    let past = Some(at());
    assert_eq!(refused(|w| w.key.revoked_at = past).await, is(401, "key.revoked"));
    assert_eq!(refused(|w| w.key.expires_at = past).await, is(401, "key.expired"));
    assert_eq!(refused(|w| w.key.secrets[0].expires_at = past).await, is(401, "key.expired"));
    assert_eq!(refused(|w| w.org.suspended = true).await, is(403, "org.suspended"));
    assert_eq!(refused(|w| w.app.disabled = true).await, is(403, "app.disabled"));
}

#[tokio::test]
async fn a_model_that_cannot_be_called_is_refused_with_its_reason() {
    assert_eq!(refused(|w| w.models[0].name = "other".into()).await, is(404, "model.unknown"));
    assert_eq!(refused(|w| w.models[0].state = Lifecycle::Draft).await, is(404, "model.unknown"));
    assert_eq!(refused(|w| w.models[0].state = Lifecycle::Retired).await, is(404, "model.retired"));
    assert_eq!(
        refused(|w| w.models[0].modality = w.models[1].modality).await,
        is(400, "model.operation")
    );
    assert_eq!(refused(|w| w.prices.clear()).await, is(503, "model.unpriced"));
    assert_eq!(refused(|w| w.deployments[0].disabled = true).await, is(503, "upstream.none"));
    assert_eq!(refused(|w| w.deployments[0].weight = 0).await, is(503, "upstream.none"));
    assert_eq!(refused(|w| w.providers[0].disabled = true).await, is(503, "upstream.none"));
    assert_eq!(
        refused(|w| w.providers[0].base_url = "nowhere".into()).await,
        is(503, "upstream.none")
    );
}

#[tokio::test]
async fn a_price_that_is_not_yet_in_force_does_not_count() {
    let future = Timestamp::from_timestamp(4_000_000_000, 0).unwrap();
    let refusal = refused(|w| w.prices[0].effective_from = future).await;
    assert_eq!(refusal, is(503, "model.unpriced"));
}

#[tokio::test]
async fn an_app_without_a_subscription_in_force_is_refused() {
    assert_eq!(refused(|w| w.product.model_ids.clear()).await, is(403, "subscription.missing"));
    for state in [
        SubscriptionState::Requested,
        SubscriptionState::Suspended,
        SubscriptionState::Cancelled,
        SubscriptionState::Expired,
        SubscriptionState::Refused,
    ] {
        assert_eq!(
            refused(|w| w.subscription.state = state).await,
            is(403, "subscription.inactive")
        );
    }
    let expired = refused(|w| w.subscription.expires_at = Some(at())).await;
    assert_eq!(expired, is(403, "subscription.inactive"));
}

#[tokio::test]
async fn a_deprecated_model_is_still_served() {
    let stack = Stack::of(|w| w.models[0].state = Lifecycle::Deprecated).await;
    assert_eq!(stack.chat("").await.status(), 200);
}

#[tokio::test]
async fn a_body_that_is_not_a_call_is_refused_at_its_place() {
    let stack = Stack::start().await;
    let deep = format!("{{\"model\":\"{MODEL}\",\"messages\":{}", "[".repeat(10_000));
    let messages =
        "{\"messages\":[".to_owned() + &vec!["{\"content\":{\"a\":{}}}"; 10_000].join(",") + "]}";
    for (body, status, code, param) in [
        (String::new(), 400, "request.not_json", None),
        ("hello".into(), 400, "request.not_json", None),
        ("[]".into(), 400, "request.not_json", None),
        ("{\"model\":\"a\"".into(), 400, "request.not_json", None),
        (format!("{{\"model\":\"{MODEL}\"}} extra"), 400, "request.not_json", None),
        (deep, 400, "request.not_json", None),
        (messages, 400, "request.malformed", Some("model")),
        ("{}".into(), 400, "request.malformed", Some("model")),
        ("{\"model\":42}".into(), 400, "request.malformed", Some("model")),
        ("{\"model\":{\"a\":1}}".into(), 400, "request.malformed", Some("model")),
        (
            format!("{{\"model\":\"{MODEL}\",\"model\":\"x\"}}"),
            400,
            "request.malformed",
            Some("model"),
        ),
        (
            format!("{{\"model\":\"{MODEL}\",\"stream\":1}}"),
            400,
            "request.malformed",
            Some("stream"),
        ),
        (format!("{{\"model\":\"{EMBED}\"}}"), 400, "model.operation", Some("model")),
        ("{\"model\":\"no-such\"}".into(), 404, "model.unknown", Some("model")),
    ] {
        let shown: String = body.chars().take(60).collect();
        let request = stack.post("/v1/chat/completions").header("content-type", "application/json");
        let (got, found, at) = error(request.body(body).send().await.unwrap()).await;
        assert_eq!((got, found.as_str(), at.as_deref()), (status, code, param), "{shown}");
    }
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn an_address_a_method_or_a_content_type_that_is_not_served_is_named() {
    let stack = Stack::start().await;
    let unknown = stack.post("/v1/complete").json(&json!({})).send().await.unwrap();
    assert_eq!(error(unknown).await.1, "route.unknown");
    let wrong = stack.get("/v1/chat/completions").send().await.unwrap();
    assert_eq!(wrong.headers()["allow"], "POST");
    assert_eq!(error(wrong).await, (405, "request.method".into(), None));
    let form = stack.post("/v1/chat/completions").form(&[("model", "a")]).send().await.unwrap();
    assert_eq!(error(form).await, (415, "request.media_type".into(), None));
    let packed = stack.post("/v1/chat/completions").header("content-encoding", "gzip");
    let packed = packed.json(&chat("")).send().await.unwrap();
    assert_eq!(error(packed).await, (415, "request.media_type".into(), None));
}

#[tokio::test]
async fn a_body_larger_than_the_bound_is_refused_announced_or_not() {
    let bounds = Bounds { body_bytes_max: 10_000, ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    let mut body = chat("");
    body["padding"] = "x".repeat(20_000).into();
    let text = body.to_string();
    let request = || stack.post("/v1/chat/completions").header("content-type", "application/json");
    let announced = request().body(text.clone()).send().await.unwrap();
    assert_eq!(error(announced).await, (413, "request.too_large".into(), None));
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        text.into_bytes().chunks(1_000).map(|piece| Ok(piece.to_vec())).collect();
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let unannounced = request().body(chunked).send().await.unwrap();
    assert_eq!(error(unannounced).await, (413, "request.too_large".into(), None));
}

#[tokio::test]
async fn more_calls_at_once_than_the_bound_are_shed() {
    let bounds = Bounds { in_flight_max: 2, ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    let slow = || stack.chat("latency_ms=400");
    let (a, b, c, d) = tokio::join!(slow(), slow(), slow(), slow());
    let mut shed = 0;
    for response in [a, b, c, d] {
        if response.status() != 200 {
            assert_eq!(response.headers()["retry-after"], "1");
            assert_eq!(error(response).await, (503, "service.overloaded".into(), None));
            shed += 1;
        }
    }
    assert_eq!(shed, 2);
    assert_eq!(stack.chat("").await.status(), 200, "places are free again");
}

#[tokio::test]
async fn a_request_limit_refuses_with_the_truth_about_itself() {
    let stack = Stack::of(|w| w.limit(Metric::Requests, Window::Hour, 3)).await;
    for left in [2, 1, 0] {
        let response = stack.chat("").await;
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers["x-ratelimit-limit-requests"], "3");
        assert_eq!(headers["x-ratelimit-remaining-requests"], left.to_string().as_str());
    }
    let response = stack.chat("").await;
    let headers = response.headers().clone();
    let (status, code, _) = error(response).await;
    assert_eq!((status, code.as_str()), (429, "limit.requests"));
    let now = chrono_now();
    let until_the_hour_ends = 3_600 - now.rem_euclid(3_600);
    let wait: i64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((wait - until_the_hour_ends).abs() <= 2, "{wait} against {until_the_hour_ends}");
    assert_eq!(headers["ratelimit-policy"], "\"app-requests-per-hour\";q=3;w=3600");
    let said = headers["ratelimit"].to_str().unwrap();
    assert!(said.starts_with("\"app-requests-per-hour\";r=0;t="), "{said}");
    assert_eq!(headers["x-ratelimit-remaining-requests"], "0");
    assert_eq!(stack.sim.stats().calls, 3);
}

#[expect(clippy::disallowed_methods, reason = "a test asks what time it is")]
fn chrono_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[tokio::test]
async fn a_money_limit_refuses_with_402_and_a_failed_call_gives_its_reservation_back() {
    // One call reserves 4,096 output tokens at 20 dollars a million and a little input: 0.082 USD.
    let stack = Stack::of(|w| w.limit(Metric::Money, Window::Day, 100_000_000)).await;
    assert_eq!(stack.chat("status=400").await.status(), 400);
    assert_eq!(stack.chat("tokens=4000").await.status(), 200);
    let (status, code, _) = error(stack.chat("").await).await;
    assert_eq!((status, code.as_str()), (402, "limit.money"));
}

#[tokio::test]
async fn a_configuration_too_old_to_be_trusted_serves_nobody() {
    let stack = Stack::start().await;
    let long_ago = at();
    let mut redis = stack.redis.connect();
    let _: redis::RedisResult<()> = redis::cmd("SHUTDOWN").arg("NOSAVE").query(&mut redis);
    crate::support::wait_for("the follower notices", || {
        stack.gateway.tools.snapshot.confirm(long_ago);
        std::thread::sleep(Duration::from_millis(600));
        stack.gateway.tools.snapshot.confirmed_at() == Some(long_ago)
    })
    .await;
    assert_eq!(error(stack.chat("").await).await, (503, "service.stale_config".into(), None));
    let ready = stack.client.get(stack.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let live = stack.client.get(stack.url("/livez")).send().await.unwrap();
    assert_eq!(live.status(), 200);
}

#[tokio::test]
async fn a_caller_unknown_is_refused_before_its_body_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let stack = Stack::start().await;
    let mut socket = tokio::net::TcpStream::connect(stack.address).await.unwrap();
    // The body announced here never comes.
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 1000000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 16 * 1024];
    let read = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut answer));
    let read = read.await.expect("answered without the body").unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("key.missing"), "{answer}");
}

#[tokio::test]
async fn hostile_requests_break_nothing() {
    let stack = Stack::start().await;
    let many: String = (0..300).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(600_000));
    for head in [
        "GARBAGE\r\n\r\n".to_owned(),
        "GET /v1/models HTTP/1.1\r\nbad header: x\r\n\r\n".into(),
        "GET /v1/models HTTP/1.1\r\nx: a\x01b\r\n\r\n".into(),
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".into(),
        format!("GET /v1/models HTTP/1.1\r\n{many}\r\n"),
        format!("GET /v1/models HTTP/1.1\r\n{long}\r\n"),
    ] {
        let answer = raw(&stack, &head).await;
        let shown: String = head.chars().take(60).collect();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown}: {answer}");
    }
    assert_eq!(stack.sim.stats().calls, 0);
    assert_eq!(stack.chat("").await.status(), 200);
}

/// The bound is that of the library that serves HTTP.
#[tokio::test]
async fn a_hundred_headers_are_read_and_one_more_is_refused() {
    let stack = Stack::start().await;
    for (count, status) in [(100, "HTTP/1.1 401"), (101, "HTTP/1.1 431")] {
        let headers: String = (1..count).map(|n| format!("x-{n}: y\r\n")).collect();
        let head = format!("GET /v1/models HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        let answer = raw(&stack, &head).await;
        assert!(answer.starts_with(status), "{count}: {answer}");
    }
}

/// Sends bytes that no client would, and reads until the gateway is through with them.
async fn raw(stack: &Stack, head: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(stack.address).await.unwrap();
    // The gateway may close while this is still being written.
    socket.write_all(head.as_bytes()).await.ok();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut answer));
    read.await.expect("answered or closed").ok();
    String::from_utf8_lossy(&answer).into_owned()
}
