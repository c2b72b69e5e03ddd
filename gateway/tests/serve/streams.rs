//! Streams: what passes, what is held, how each way of breaking ends, and that all are metered.

use crate::support::{MODEL, Stack, chat, error, rates, wait_for};
use contract::snapshot::{Metric, Record, Window};
use contract::usage::Outcome;
use futures::StreamExt as _;
use gateway::worker::Bounds;
use serde_json::Value;
use std::time::Duration;

/// The data of every event of a stream.
async fn events(response: reqwest::Response) -> Vec<String> {
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let text = response.text().await.unwrap();
    assert!(text.ends_with("\n\n"), "a stream ends with a whole event: {text:?}");
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
        .collect()
}

fn said(events: &[String]) -> String {
    let chunks = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
    let text = |chunk: Value| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned());
    chunks.filter_map(text).collect()
}

/// The code of a stream's last event, which must be an error.
fn broken_by(events: &[String]) -> String {
    assert!(!events.iter().any(|event| event == "[DONE]"), "a broken stream has no end mark");
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    last["error"]["code"].as_str().expect("the last event is an error").to_owned()
}

#[tokio::test]
async fn a_stream_passes_and_is_metered_although_the_caller_did_not_ask_for_usage() {
    let stack = Stack::start().await;
    let response = stack.chat_stream("tokens=10 cached_tokens=1 reasoning_tokens=4").await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let events = events(response).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    let usage = |event: &String| {
        serde_json::from_str::<Value>(event).is_ok_and(|chunk| chunk["usage"].is_object())
    };
    assert!(!events.iter().any(usage), "the usage chunk was not asked for");
    assert!(!said(&events).is_empty());

    let event = stack.event().await;
    let served = stack.sim.find(&id).unwrap();
    assert_eq!((event.tokens.output, event.tokens.reasoning), (10, 4));
    assert_eq!((event.tokens.input, event.tokens.cached_input), (served.input, 1));
    assert_eq!(event.cost_nanos, rates().price(&event.used()));
    assert_eq!((event.outcome, event.stream, event.estimated), (Outcome::Ok, true, false));
    assert!(event.first_token_ms.is_some());
}

#[tokio::test]
async fn a_price_that_changes_during_a_call_counts_from_the_next() {
    let stack = Stack::start().await;
    let mut response = stack.chat_stream("tokens=6 chunk_delay_ms=80").await;
    response.chunk().await.unwrap().expect("the stream has begun");
    let old = stack.world.prices[0].clone();
    let mut new = old.clone();
    new.id = contract::id::PriceId::new(old.effective_from, &[77; 10]);
    new.effective_from += chrono::TimeDelta::days(1);
    new.rates.output = contract::money::Nanos(old.rates.output.0 * 2);
    stack.publish(Record::Price(new.clone())).await;
    while response.chunk().await.unwrap().is_some() {}
    let event = stack.event().await;
    assert_eq!((event.price_id, event.cost_nanos), (old.id, old.rates.price(&event.used())));

    assert_eq!(stack.chat("tokens=6").await.status(), 200);
    let event = stack.events(2).await.remove(1);
    assert_eq!((event.price_id, event.cost_nanos), (new.id, new.rates.price(&event.used())));
}

#[tokio::test]
async fn a_caller_that_asks_for_usage_gets_it() {
    let stack = Stack::start().await;
    let mut body = chat("tokens=3");
    body["stream"] = true.into();
    body["stream_options"] = serde_json::json!({"include_usage": true});
    let response = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
    let events = events(response).await;
    let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(last["usage"]["completion_tokens"], 3);
    assert_eq!(stack.event().await.tokens.output, 3);
}

#[tokio::test]
async fn reads_that_cut_events_anywhere_change_nothing() {
    let stack = Stack::start().await;
    let whole = said(&events(stack.chat_stream("tokens=12").await).await);
    let dripped = said(&events(stack.chat_stream("tokens=12 drip=7 drip_ms=0").await).await);
    assert_eq!(dripped, whole);
    assert!(stack.events(2).await.iter().all(|event| event.tokens.output == 12));
}

#[tokio::test]
async fn a_malformed_line_is_left_out_and_the_stream_goes_on() {
    let stack = Stack::start().await;
    let events = events(stack.chat_stream("malformed=1 tokens=8").await).await;
    assert!(events.iter().all(|e| e == "[DONE]" || serde_json::from_str::<Value>(e).is_ok()));
    assert_eq!(events.last().unwrap(), "[DONE]");
    assert_eq!(stack.event().await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_stream_cut_after_content_ends_with_an_error_and_never_with_an_end_mark() {
    let stack = Stack::start().await;
    let events = events(stack.chat_stream("cut_after=3 tokens=10").await).await;
    assert_eq!(broken_by(&events), "upstream.cut");
    assert!(!said(&events).is_empty(), "what came before the cut reaches the caller");
    let event = stack.event().await;
    assert_eq!((event.outcome, event.estimated), (Outcome::UpstreamCut, true));
    assert_eq!(event.error_code.as_deref(), Some("upstream.cut"));
    assert!(event.tokens.output >= 3, "{:?}", event.tokens);
    assert_eq!(event.attempts, 1, "nobody sends a stream twice");
}

#[tokio::test]
async fn a_stream_that_a_provider_breaks_off_after_content_says_so() {
    let stack = Stack::start().await;
    let events = events(stack.chat_stream("error_after=2 tokens=10").await).await;
    assert_eq!(broken_by(&events), "upstream.failed");
    assert_eq!(stack.event().await.outcome, Outcome::UpstreamCut);
}

#[tokio::test]
async fn a_stream_that_falls_silent_after_content_is_broken_off() {
    let bounds = Bounds { stream_idle_timeout: Duration::from_millis(200), ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    let events = events(stack.chat_stream("hang=end tokens=5").await).await;
    assert_eq!(broken_by(&events), "upstream.timeout");
    assert_eq!(stack.event().await.outcome, Outcome::UpstreamCut);
}

#[tokio::test]
async fn a_slow_stream_is_not_a_silent_one() {
    let bounds = Bounds { stream_idle_timeout: Duration::from_millis(150), ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    let events = events(stack.chat_stream("tokens=6 chunk_delay_ms=80").await).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn a_failure_before_content_becomes_another_attempt() {
    for switches in ["status=503", "reset=1", "cut_after=0", "error_after=0", "not_json=1"] {
        let stack = Stack::start().await;
        let response = stack.chat_stream(&format!("{switches} fail_first=1 tokens=4")).await;
        let events = events(response).await;
        assert_eq!(events.last().unwrap(), "[DONE]", "{switches}");
        let event = stack.event().await;
        assert_eq!((event.attempts, event.outcome), (2, Outcome::Ok), "{switches}");
        assert_eq!(event.tokens.output, 4, "{switches}");
        if switches == "reset=1" {
            assert!(event.attempts_made.is_empty(), "it reached nobody: {event:?}");
            continue;
        }
        let [failed] = &event.attempts_made[..] else { panic!("{switches}: {event:?}") };
        let status = if switches == "status=503" { 503 } else { 200 };
        assert_eq!((failed.status, failed.reported), (status, false), "{switches}");
        assert_eq!(failed.deployment_id, event.deployment_id.unwrap());
    }
}

#[tokio::test]
async fn a_failure_before_content_that_stays_is_a_clean_error() {
    let bounds = Bounds {
        attempts_max: 2,
        first_content_timeout: Duration::from_millis(150),
        ..Bounds::default()
    };
    let stack = Stack::with(|_| {}, bounds).await;
    let cases = [
        ("status=500", 502, "upstream.failed"),
        ("cut_after=0", 502, "upstream.cut"),
        ("error_after=0", 502, "upstream.failed"),
        ("hang=first_token", 504, "upstream.timeout"),
        ("hang=headers", 504, "upstream.timeout"),
        ("not_json=1", 502, "upstream.malformed"),
    ];
    for (switches, status, code) in cases {
        let (got, found, _) = error(stack.chat_stream(switches).await).await;
        assert_eq!((got, found.as_str()), (status, code), "{switches}");
    }
    for event in stack.events(cases.len()).await {
        assert_eq!((event.outcome, event.attempts), (Outcome::UpstreamError, 2));
        assert_eq!(event.cost_nanos.0, 0);
    }
}

#[tokio::test]
async fn missing_usage_in_a_stream_is_counted_here_and_marked() {
    let stack = Stack::start().await;
    let events = events(stack.chat_stream("no_usage=1 tokens=20").await).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    let event = stack.event().await;
    assert!(event.estimated && event.tokens.output >= 20, "{:?}", event.tokens);
    assert_eq!(event.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_stream_without_end_mark_is_whole_only_if_its_usage_came() {
    let stack = Stack::start().await;
    let whole = events(stack.chat_stream("no_done=1 tokens=4").await).await;
    assert!(!whole.iter().any(|event| event == "[DONE]"), "none is made up");
    assert_eq!(stack.event().await.outcome, Outcome::Ok);
    let cut = events(stack.chat_stream("no_done=1 no_usage=1 tokens=4").await).await;
    assert_eq!(broken_by(&cut), "upstream.cut");
}

/// Begins a stream and leaves it after a few chunks.
async fn begin_and_leave(stack: &Stack, switches: &str) {
    let mut body = stack.chat_stream(switches).await.bytes_stream();
    for _ in 0..5 {
        body.next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_its_caller_left_is_read_to_its_end_and_billed_as_the_provider_reports() {
    let stack = Stack::start().await;
    // Longer than a busy machine takes to hang up.
    begin_and_leave(&stack, "tokens=200 chunk_delay_ms=10 reasoning_tokens=9").await;
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status, event.estimated), (Outcome::ClientGone, 499, false));
    assert_eq!((event.tokens.output, event.tokens.reasoning), (200, 9));
    assert_eq!(event.cost_nanos, rates().price(&event.used()));
    assert_eq!(stack.sim.stats().caller_gone, 0, "the provider was read to its end");
}

#[tokio::test]
async fn a_server_of_our_own_stops_when_its_streams_caller_leaves_and_what_came_is_billed() {
    let stack = Stack::of(|world| {
        world.providers[0].settings.vendor = Some("llama_cpp".into());
    })
    .await;
    begin_and_leave(&stack, "tokens=1000 chunk_delay_ms=20").await;
    wait_for("the server stops", || stack.sim.stats().caller_gone == 1).await;
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status, event.estimated), (Outcome::ClientGone, 499, true));
    assert!((4..100).contains(&event.tokens.output), "{}", event.tokens.output);
}

#[tokio::test]
async fn past_its_time_a_stream_without_its_caller_is_cancelled_and_billed_by_what_was_seen() {
    let bounds =
        Bounds { abandoned_stream_timeout: Duration::from_millis(200), ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    begin_and_leave(&stack, "tokens=1000 chunk_delay_ms=20").await;
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status, event.estimated), (Outcome::ClientGone, 499, true));
    let output = event.tokens.output;
    assert!((4..100).contains(&output), "{output}");
    wait_for("the provider sees it too", || stack.sim.stats().caller_gone == 1).await;
}

#[tokio::test]
async fn a_stream_without_its_caller_uses_no_more_than_was_held_for_it() {
    let stack = Stack::of(|world| {
        world.models[0].output_tokens_max = 100_000;
        world.limit(Metric::OutputTokens, Window::Lifetime, 100_000);
    })
    .await;
    begin_and_leave(&stack, "tokens=20000 chunks=4000 chunk_delay_ms=1").await;
    let event = stack.event().await;
    assert_eq!((event.outcome, event.estimated), (Outcome::ClientGone, true));
    assert_eq!((event.topped_up, event.error_code), (0, None));
    let (held, used) = (event.limits[0].held, event.limits[0].used);
    assert!(held == 1_024 && (1_024..1_100).contains(&used), "{held} {used}");
    wait_for("the provider sees it too", || stack.sim.stats().caller_gone == 1).await;
}

#[tokio::test]
async fn more_streams_without_their_callers_than_one_thread_reads_are_cancelled() {
    let stack = Stack::with(|_| {}, Bounds { abandoned_streams_max: 0, ..Bounds::default() }).await;
    begin_and_leave(&stack, "tokens=1000 chunk_delay_ms=20").await;
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status, event.estimated), (Outcome::ClientGone, 499, true));
    wait_for("the provider sees it too", || stack.sim.stats().caller_gone == 1).await;
}

#[tokio::test]
async fn a_caller_that_leaves_before_content_is_billed_as_the_provider_reports() {
    let stack = Stack::start().await;
    let mut body = chat("latency_ms=1000 tokens=7");
    body["stream"] = true.into();
    stack.leave_once_called(body).await;
    let event = stack.event().await;
    assert_eq!(
        (event.outcome, event.estimated, event.tokens.output),
        (Outcome::ClientGone, false, 7)
    );
}

#[tokio::test]
async fn a_caller_that_leaves_a_stream_without_content_is_metered_for_its_input() {
    let bounds =
        Bounds { abandoned_stream_timeout: Duration::from_millis(200), ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    let mut body = chat("hang=first_token");
    body["stream"] = true.into();
    stack.leave_once_called(body).await;
    let event = stack.event().await;
    assert_eq!(event.outcome, Outcome::ClientGone);
    assert!(event.tokens.input > 0 && event.tokens.output == 0, "{:?}", event.tokens);
}

#[tokio::test]
async fn an_event_longer_than_the_bound_breaks_the_stream() {
    let bounds = Bounds { event_bytes_max: 1_000, ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    // 500 tokens in one chunk are longer than the bound; dripped, so that it is met half-way.
    let switches = "tokens=1000 chunks=2 drip=500 drip_ms=0";
    let (status, code, _) = error(stack.chat_stream(switches).await).await;
    assert_eq!((status, code.as_str()), (502, "upstream.malformed"));
}

#[tokio::test]
async fn a_thousand_streams_of_one_worker_are_all_metered() {
    let stack = Stack::start().await;
    let streams = (0..1_000).map(|_| async {
        let mut body = chat("tokens=3");
        body["stream"] = true.into();
        assert_eq!(body["model"], MODEL);
        let response = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
        events(response).await.last().unwrap().clone()
    });
    let ends = futures::stream::iter(streams).buffer_unordered(200).collect::<Vec<_>>().await;
    assert!(ends.iter().all(|end| end == "[DONE]"));
    assert!(stack.events(1_000).await.iter().all(|event| event.tokens.output == 3));
}

#[tokio::test]
async fn a_caller_that_takes_nothing_is_given_up_and_metered() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let bounds = Bounds { stall_timeout: Duration::from_millis(300), ..Bounds::default() };
    let stack = Stack::with(|_| {}, bounds).await;
    // More than all buffers on the way hold.
    let mut body = chat("tokens=200000 chunks=2000");
    body["n"] = 8.into();
    body["stream"] = true.into();
    let body = body.to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        stack.world.key_text,
        body.len()
    );
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut socket = socket.connect(stack.address).await.unwrap();
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut some = [0; 100];
    socket.read_exact(&mut some).await.unwrap();
    assert!(some.starts_with(b"HTTP/1.1 200"));
    let event = stack.event().await;
    assert_eq!((event.outcome, event.estimated), (Outcome::ClientGone, true));
}
