//! What a provider can do wrong to a plain call, and what the caller gets instead.

use crate::support::{MODEL, Stack, deployment, error, provider};
use crate::upstream::Upstream;
use contract::money::Nanos;
use contract::usage::{Outcome, Tokens};
use gateway::worker::Bounds;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn each_failure_of_a_provider_has_its_status_and_code_and_costs_nothing() {
    let bounds = Bounds { attempts_max: 1, ..Bounds::default() };
    let stack = Stack::with(|w| w.prices[0].rates.per_call = Nanos(5), bounds).await;
    let cases = [
        ("status=401", 502, "upstream.auth"),
        ("status=403", 502, "upstream.auth"),
        ("status=404", 502, "upstream.failed"),
        ("status=408", 504, "upstream.timeout"),
        ("status=429 retry_after=7", 429, "upstream.rate_limited"),
        ("status=500", 502, "upstream.failed"),
        ("status=503", 502, "upstream.failed"),
        ("status=529", 502, "upstream.failed"),
        ("cut_after=0", 502, "upstream.cut"),
        ("reset=1", 502, "upstream.failed"),
        ("not_json=1", 502, "upstream.malformed"),
    ];
    for (switches, status, code) in cases {
        let response = stack.chat(switches).await;
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        let (got, found, _) = error(response).await;
        assert_eq!((got, found.as_str()), (status, code), "{switches}");
    }
    for (event, (switches, status, code)) in stack.events(cases.len()).await.iter().zip(cases) {
        assert_eq!(event.outcome, Outcome::UpstreamError, "{switches}");
        assert_eq!((event.status, event.error_code.as_deref()), (status, Some(code)));
        assert_eq!((event.tokens, event.cost_nanos), (Tokens::default(), Nanos(0)), "{switches}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_request_reaches_the_caller_in_the_providers_words() {
    let stack = Stack::start().await;
    let response = stack.chat("status=400 error_code=context_length_exceeded").await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-tollgate-error-code"], "upstream.refused");
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "context_length_exceeded");
    assert_eq!(stack.sim.stats().calls, 1, "sending it again would not help");
}

#[tokio::test]
async fn a_call_that_fails_once_is_tried_again_and_billed_once() {
    for switches in ["status=500", "status=429", "reset=1", "cut_after=0", "not_json=1"] {
        let stack = Stack::start().await;
        let response = stack.chat(&format!("{switches} fail_first=1 tokens=5")).await;
        assert_eq!(response.status(), 200, "{switches}");
        let event = stack.event().await;
        assert_eq!((event.attempts, event.outcome), (2, Outcome::Ok), "{switches}");
        assert_eq!(event.tokens.output, 5, "{switches}");
    }
}

#[tokio::test]
async fn another_deployment_is_tried_when_one_cannot_be_reached() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = dead.local_addr().unwrap();
    drop(dead);
    let stack = Stack::of(|w| {
        w.providers.push(provider(2, format!("http://{address}/v1")));
        w.deployments.push(deployment(3, 1, 2, "never"));
        w.deployments[2].weight = 1_000_000;
    })
    .await;
    assert_eq!(stack.chat("").await.status(), 200);
    let event = stack.event().await;
    assert_eq!(event.attempts, 2);
    assert_eq!(event.provider_id, Some(stack.world.providers[0].id));
}

#[tokio::test]
async fn the_wait_that_a_provider_asks_for_is_kept_up_to_a_bound() {
    let stack = Stack::start().await;
    let begun = Instant::now();
    let response = stack.chat("status=429 retry_after=1 fail_first=1").await;
    assert_eq!(response.status(), 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let begun = Instant::now();
    let response = stack.chat("status=429 retry_after=60 fail_first=1").await;
    assert_eq!(response.headers()["retry-after"], "60");
    assert_eq!(error(response).await.1, "upstream.rate_limited");
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits a minute for another try");
}

#[tokio::test]
async fn a_provider_that_never_answers_is_given_up_at_the_deadline() {
    let bounds = Bounds { call_timeout: Duration::from_millis(300), ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    assert_eq!(error(stack.chat("hang=headers").await).await.1, "upstream.timeout");
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status), (Outcome::UpstreamError, 504));
}

#[tokio::test]
async fn a_pooled_connection_that_the_provider_closed_is_replaced_unseen() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Answers one call on each connection, then swallows the next and closes.
    let provider_task = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 64 * 1024];
            let read = socket.read(&mut buffer).await.unwrap();
            assert!(read > 0);
            let body = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                let swallowed = socket.read(&mut buffer).await.unwrap_or(0);
                drop((swallowed, socket));
            });
        }
    });
    let stack = Stack::of(|w| w.providers[0].base_url = format!("http://{address}/v1")).await;
    for _ in 0..3 {
        assert_eq!(stack.chat("").await.status(), 200);
    }
    assert!(stack.events(3).await.iter().all(|event| event.attempts == 1));
    provider_task.abort();
}

#[tokio::test]
async fn a_plain_call_is_fetched_and_billed_although_its_caller_left() {
    let stack = Stack::start().await;
    stack.leave_once_called(crate::support::chat("latency_ms=500 tokens=9")).await;
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status), (Outcome::ClientGone, 499));
    assert_eq!((event.tokens.output, event.estimated), (9, false));
    assert_eq!(stack.sim.stats().completed, 1);
}

#[tokio::test]
async fn calls_go_on_without_redis_and_their_usage_is_shipped_later() {
    let mut stack = Stack::start().await;
    stack.redis.stop();
    for _ in 0..5 {
        assert_eq!(stack.chat("tokens=4").await.status(), 200);
    }
    assert_eq!(stack.gateway.tools.settle.depth().events, 5);
    stack.redis.restart().await;
    assert!(stack.events(5).await.iter().all(|event| event.tokens.output == 4));
}

#[tokio::test]
async fn usage_that_cannot_be_recorded_stops_new_calls() {
    let mut stack = Stack::with_spool(200_000).await;
    stack.redis.stop();
    let mut answered = 0;
    let refusal = loop {
        let response = stack.chat("").await;
        if response.status() != 200 {
            break error(response).await;
        }
        answered += 1;
        assert!(answered < 2_000, "the spool has a bound");
    };
    assert_eq!((refusal.0, refusal.1.as_str()), (503, "service.spool_full"));
    stack.redis.restart().await;
    let events = stack.events(answered).await;
    assert!(events.iter().all(|event| event.outcome == Outcome::Ok), "no answer went unrecorded");
}

#[tokio::test]
async fn what_a_proxy_in_between_makes_of_an_answer_is_never_taken_for_one() {
    const ANSWER: &str = r#"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let packed = || vec![("content-encoding", "gzip".to_owned())];
    let page = "<html><body>Bad gateway</body></html>";
    for (stream, kind, body, more) in [
        (false, "application/json", ANSWER, packed()),
        (false, "text/html", page, Vec::new()),
        (true, "text/event-stream", "data: {}\n\n", packed()),
        (true, "text/html", page, Vec::new()),
        (true, "application/json", ANSWER, Vec::new()),
    ] {
        let upstream =
            Upstream::start_with(move |_| ((200, kind, body.as_bytes().to_vec()), more.clone()))
                .await;
        let base_url = upstream.base_url.clone();
        let stack = Stack::of(move |world| world.providers[0].base_url = base_url).await;
        let asked = json!({"model": MODEL, "stream": stream, "messages": []});
        let response = stack.post("/v1/chat/completions").json(&asked).send().await.unwrap();
        let (status, code, _) = error(response).await;
        assert_eq!((status, code.as_str()), (502, "upstream.malformed"), "{stream} {kind}");
        let event = stack.event().await;
        assert_eq!(event.outcome, Outcome::UpstreamError);
        assert_eq!(event.cost_nanos, Nanos::ZERO, "{stream} {kind}");
    }
}
