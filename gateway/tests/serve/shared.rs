//! Calls that share one call's answer: who makes it, who gets what, and what becomes of it when the one
//! who makes it fails, leaves or dawdles.

use crate::matrix::Caller;
use crate::recall::{POLICY, body, costs, said, send, stack, streamed, switch, told};
use crate::support::{Stack, chat, rates, wait_for};
use contract::snapshot::{CacheExact, CachePolicy};
use contract::usage::{Cached, Outcome};
use futures::StreamExt as _;
use futures::future::join_all;
use reqwest::Response;
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn five_hundred_identical_calls_at_once_are_one_call_and_each_gets_and_pays_its_own() {
    for (stream, exact) in
        [(false, CacheExact::Off), (true, CacheExact::Off), (true, CacheExact::All)]
    {
        let stack = stack(CachePolicy { exact, ..POLICY }).await;
        let mut body = chat("latency_ms=1500 tokens=40 chunks=8 chunk_delay_ms=10");
        body["stream"] = stream.into();
        let answers = join_all((0..500).map(|_| async {
            let response = send(&stack, &body).await;
            (told(&response).to_owned(), response.text().await.unwrap())
        }))
        .await;
        assert_eq!(stack.sim.stats().calls, 1);
        let texts: Vec<String> = answers
            .iter()
            .map(|(_, text)| match stream {
                true => said(text),
                false => Caller::Chat.read(&serde_json::from_str(text).unwrap()).0,
            })
            .collect();
        assert!(!texts[0].is_empty() && texts.iter().all(|text| *text == texts[0]));
        assert_eq!(answers.iter().filter(|(how, _)| how == "coalesced").count(), 499);
        let events = stack.events(500).await;
        let (made, shared): (Vec<_>, Vec<_>) =
            events.iter().partition(|event| event.cached.is_none());
        assert_eq!((made.len(), shared.len()), (1, 499));
        costs(made[0], 100);
        for event in shared {
            assert_eq!((event.cached, event.attempts), (Some(Cached::Coalesced), 0));
            assert_eq!((event.tokens, event.outcome), (made[0].tokens, Outcome::Ok));
            costs(event, 50);
        }
        let sum: i64 = events.iter().map(|event| event.cost_nanos.0).sum();
        let half = rates().price_of_part(&made[0].used(), 50).0;
        assert_eq!(sum, made[0].cost_nanos.0 + 499 * half);
        println!("500 calls, streamed: {stream}: 1 made, 499 shared, {sum} nano-dollars");
    }
}

/// Calls that are under way together: the first leads.
async fn together(
    stack: &Stack,
    leader: &Value,
    followers: usize,
) -> Vec<tokio::task::JoinHandle<Response>> {
    let before = stack.sim.stats().calls;
    let start = |body: &Value| tokio::spawn(stack.post("/v1/chat/completions").json(body).send());
    let open = |handle: tokio::task::JoinHandle<reqwest::Result<Response>>| {
        tokio::spawn(async move { handle.await.unwrap().unwrap() })
    };
    let mut calls = vec![open(start(leader))];
    wait_for("the provider is called", || stack.sim.stats().calls > before).await;
    calls.extend((0..followers).map(|_| open(start(leader))));
    wait_for("all wait", || {
        stack
            .gateway
            .tools
            .telemetry
            .render(&[])
            .contains(&format!("tollgate_requests_in_flight {}\n", followers + 1))
    })
    .await;
    calls
}

#[tokio::test]
async fn a_leader_that_fails_leaves_the_call_to_another_and_three_failures_are_everyones() {
    let stack = stack(POLICY).await;
    switch(&stack, "latency_ms=300 status=400");
    let calls = together(&stack, &body(""), 3).await;
    switch(&stack, "latency_ms=50");
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().status().as_u16());
    }
    assert_eq!(answers, [400, 200, 200, 200]);
    assert_eq!(stack.sim.stats().calls, 2);

    switch(&stack, "latency_ms=300 status=400");
    let mut other = body("");
    other["max_tokens"] = 77.into();
    for call in together(&stack, &other, 9).await {
        assert_eq!(call.await.unwrap().status(), 400);
    }
    assert!(stack.sim.stats().calls <= 2 + 3, "{}", stack.sim.stats().calls);
}

#[tokio::test]
async fn a_leader_whose_caller_leaves_goes_on_for_those_who_follow() {
    let stack = stack(POLICY).await;
    // Before its content.
    let body = streamed(body("latency_ms=300 tokens=40 chunk_delay_ms=10"));
    let mut calls = together(&stack, &body, 2).await;
    calls.remove(0).abort();
    for call in calls {
        assert!(!said(&call.await.unwrap().text().await.unwrap()).is_empty());
    }
    // And in the middle of it.
    let mut body = body;
    body["max_tokens"] = 90.into();
    let mut leader = send(&stack, &body).await.bytes_stream();
    leader.next().await.unwrap().unwrap();
    let follower = send(&stack, &body).await;
    assert_eq!(told(&follower), "coalesced");
    drop(leader);
    assert!(!said(&follower.text().await.unwrap()).is_empty());
    assert_eq!(stack.sim.stats().caller_gone, 0);
    let events = stack.events(5).await;
    let left = events.iter().filter(|event| event.outcome == Outcome::ClientGone);
    for event in left {
        assert!(event.cached.is_none() && event.tokens.output == 40, "{event:?}");
        costs(event, 100);
    }
}

#[tokio::test]
async fn a_leader_that_takes_its_time_holds_nobody_up() {
    let stack = stack(POLICY).await;
    let body = streamed(body("tokens=60000 chunks=60000"));
    let mut leader = send(&stack, &body).await.bytes_stream();
    leader.next().await.unwrap().unwrap();
    // More than any buffer on the way to the leader.
    let follower =
        tokio::time::timeout(Duration::from_secs(60), send(&stack, &body)).await.unwrap();
    assert_eq!(told(&follower), "coalesced");
    let text =
        tokio::time::timeout(Duration::from_secs(60), follower.text()).await.unwrap().unwrap();
    let mut whole = Vec::new();
    while let Some(bytes) = leader.next().await {
        whole.extend_from_slice(&bytes.unwrap());
    }
    assert!(String::from_utf8(whole).unwrap().ends_with("data: [DONE]\n\n"));
    assert!(text.len() > 4 << 20 && text.ends_with("data: [DONE]\n\n"));
    assert_eq!(stack.sim.stats().calls, 1);
}

#[tokio::test]
async fn a_stream_that_breaks_breaks_for_all_with_an_error_and_never_an_end_mark() {
    let stack = stack(POLICY).await;
    let body = streamed(body("tokens=40 chunk_delay_ms=10 cut_after=20"));
    let mut leader = send(&stack, &body).await.bytes_stream();
    leader.next().await.unwrap().unwrap();
    let follower = send(&stack, &body).await;
    assert_eq!(told(&follower), "coalesced");
    let text = follower.text().await.unwrap();
    assert!(!text.contains("[DONE]") && text.contains(r#""code":"upstream.cut""#), "{text}");
    while leader.next().await.is_some() {}
    let events = stack.events(2).await;
    assert!(events.iter().all(|event| event.outcome == Outcome::UpstreamCut), "{events:?}");
    let shared = events.iter().find(|event| event.cached.is_some()).unwrap();
    costs(shared, 50);
    assert!(shared.estimated);
}
