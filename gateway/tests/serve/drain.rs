//! Being told to stop: calls under way finish, none is lost, and the time for it has an end.

use crate::support::Stack;
use contract::usage::Outcome;
use gateway::worker::Bounds;
use std::time::{Duration, Instant};

#[tokio::test]
async fn calls_under_way_finish_and_no_new_connection_is_taken() {
    let mut stack = Stack::start().await;
    let plain = stack.post("/v1/chat/completions").json(&crate::support::chat("latency_ms=300"));
    let plain = tokio::spawn(plain.send());
    let stream = stack.chat_stream("tokens=10 chunk_delay_ms=30").await;
    while stack.sim.stats().calls < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stack.stop().await;
    assert_eq!(plain.await.unwrap().unwrap().status(), 200);
    assert!(stream.text().await.unwrap().ends_with("data: [DONE]\n\n"));
    assert!(tokio::net::TcpStream::connect(stack.address).await.is_err());
    assert!(stack.events(2).await.iter().all(|event| event.outcome == Outcome::Ok));
}

#[tokio::test]
async fn what_still_runs_at_the_deadline_is_cut_and_metered() {
    let bounds = Bounds { drain_timeout: Duration::from_millis(200), ..Bounds::default() };
    let mut stack = Stack::with(|_| {}, bounds).await;
    let stream = stack.chat_stream("tokens=1000 chunk_delay_ms=20").await;
    let begun = Instant::now();
    stack.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(!stream.text().await.unwrap_or_default().contains("[DONE]"));
    let event = stack.event().await;
    assert_eq!(event.outcome, Outcome::ClientGone);
    assert!(event.tokens.output > 0);
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_drain_up() {
    let mut stack = Stack::start().await;
    assert_eq!(stack.chat("").await.status(), 200);
    let begun = Instant::now();
    stack.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_call_whose_caller_left_is_waited_for() {
    let mut stack = Stack::start().await;
    stack.leave_once_called(crate::support::chat("latency_ms=500 tokens=7")).await;
    stack.stop().await;
    assert_eq!(stack.event().await.tokens.output, 7);
}
