//! Streams that hold a part of what they may use: what is held grows with them, and what ends them
//! when no limit admits more. And what a caller is told of the cost.

use crate::predict::served;
use crate::support::{CREDENTIAL, MODEL, Stack, World, chat, provider_with, rates, wait_for};
use crate::upstream::Upstream;
use contract::money::{Nanos, Usd};
use contract::snapshot::{Auth, Dialect, Metric, Modality, Window};
use contract::usage::{Outcome, UsageEvent};
use dialect::eventstream;
use futures::StreamExt as _;
use gateway::reserve::Reserved;
use serde_json::{Value, json};

const SSE: &str = "text/event-stream";

fn long_answers(world: &mut World) {
    world.models[0].output_tokens_max = 100_000;
}

fn is_billed(event: &UsageEvent) {
    assert_eq!(event.cost_nanos, rates().price(&event.used()));
    assert!(event.cost_nanos > Nanos::ZERO);
}

#[tokio::test]
async fn a_stream_without_a_bound_holds_a_first_part_and_more_as_it_comes() {
    let stack = Stack::of(|world| {
        long_answers(world);
        world.limit(Metric::OutputTokens, Window::Lifetime, 60_000);
        world.limit(Metric::Money, Window::Lifetime, 2_000_000_000);
    })
    .await;
    // Slowly enough for what is asked for ahead of need to be answered before the end.
    let stream = stack.chat_stream("tokens=9000 chunks=300 chunk_delay_ms=2").await;
    assert!(stream.text().await.unwrap().ends_with("data: [DONE]\n\n"));
    let event = stack.event().await;
    assert_eq!((event.outcome, event.tokens.output, event.estimated), (Outcome::Ok, 9_000, false));
    assert!(event.topped_up >= 3, "{}", event.topped_up);
    let [output, money] = &event.limits[..] else { panic!("{event:?}") };
    assert_eq!((output.used, money.used), (9_000, event.cost_nanos.0));
    assert!((9_000..40_000).contains(&output.held), "not all that the model may say: {output:?}");
    assert!(money.held >= money.used && money.held == event.reserved_nanos.0, "{money:?}");
    // What was held and not used is there for the next.
    let reserved = || stack.gateway.tools.reserve.reserved();
    wait_for("nothing is held", || reserved() == Reserved::default()).await;
    let response = stack.chat_stream("tokens=40000 chunks=400").await.text().await.unwrap();
    assert!(response.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn what_a_stream_holds_is_told_while_it_runs() {
    let stack = Stack::of(long_answers).await;
    let mut stream = stack.chat_stream("tokens=400 chunk_delay_ms=20").await.bytes_stream();
    stream.next().await.unwrap().unwrap();
    let tools = &stack.gateway.tools;
    let Reserved { reservations, since, held } = tools.reserve.reserved();
    assert!(reservations == 1 && since.is_some() && held > Nanos(1_024 * 15_000), "{held:?}");
    let metrics = gateway::admin::metrics(tools);
    assert!(metrics.contains("\ntollgate_reservations 1\n"), "{metrics}");
    assert!(metrics.contains(&format!("\ntollgate_reserved_nanodollars {}\n", held.0)));
}

#[tokio::test]
async fn a_stream_that_a_limit_ends_gets_nearly_all_of_it_and_never_an_end_mark() {
    let stack = Stack::of(|world| {
        long_answers(world);
        world.limit(Metric::OutputTokens, Window::Lifetime, 3_000);
    })
    .await;
    let text = stack.chat_stream("tokens=9000 chunk_delay_ms=1").await.text().await.unwrap();
    assert!(!text.contains("[DONE]"), "{text}");
    assert!(text.contains(r#""code":"budget.exhausted""#), "{text}");
    let event = stack.event().await;
    assert_eq!((event.outcome, event.estimated), (Outcome::BudgetExhausted, true));
    assert_eq!(event.error_code.as_deref(), Some("budget.exhausted"));
    let output = event.tokens.output;
    assert!((2_850..=3_100).contains(&output), "{output}");
    is_billed(&event);
    wait_for("the provider is told", || stack.sim.stats().caller_gone == 1).await;
}

#[tokio::test]
async fn a_call_with_a_bound_holds_all_of_it_and_is_ended_by_no_estimate() {
    let stack = Stack::of(|world| world.limit(Metric::OutputTokens, Window::Lifetime, 50)).await;
    let mut body = chat("tokens=50 chunks=10");
    body["stream"] = true.into();
    body["max_tokens"] = 50.into();
    let response = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
    assert!(response.text().await.unwrap().ends_with("data: [DONE]\n\n"));
    let event = stack.event().await;
    assert_eq!((event.outcome, event.tokens.output, event.topped_up), (Outcome::Ok, 50, 0));
}

#[tokio::test]
async fn a_limit_that_cannot_be_asked_ends_a_stream_as_such() {
    let upstream = Upstream::endless(SSE, openai(), openai()).await;
    let base_url = upstream.base_url.clone();
    let mut stack = Stack::of(move |world| {
        world.providers[0].base_url = base_url;
        long_answers(world);
        world.limit(Metric::OutputTokens, Window::Lifetime, 1_030);
    })
    .await;
    let mut stream = stack.chat_stream("").await.bytes_stream();
    stream.next().await.unwrap().unwrap();
    stack.redis.stop();
    let mut text = String::new();
    while let Some(bytes) = stream.next().await {
        text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
    }
    assert!(text.contains(r#""code":"service.unavailable""#) && !text.contains("[DONE]"));
}

/// One piece of an endless answer of OpenAI's.
fn openai() -> Vec<u8> {
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "model": "m",
        "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": null}]});
    format!("data: {chunk}\n\n").into_bytes()
}

fn frame(name: &str, payload: &Value) -> Vec<u8> {
    eventstream::write_event(name, payload.to_string().as_bytes())
}

/// The end of an endless stream for a caller of `path`, with the call's id left out.
async fn end_of(stack: &Stack, path: &str, body: &Value) -> String {
    let response = stack.post(path).json(body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let bytes = response.bytes().await.unwrap();
    let text = String::from_utf8_lossy(&bytes).replace(&id, "REQUEST");
    let event = stack.event().await;
    assert_eq!(event.outcome, Outcome::BudgetExhausted, "{path}");
    assert_eq!(event.error_code.as_deref(), Some("budget.exhausted"), "{path}");
    assert!(event.tokens.output >= 20, "{path}: {:?}", event.tokens);
    text
}

/// What comes after the last event with content.
fn after_the_last_word(text: &str) -> String {
    let (_, end) = text.rsplit_once("word ").unwrap();
    end.to_owned()
}

fn limited(world: &mut World) {
    world.limit(Metric::OutputTokens, Window::Lifetime, 100);
}

/// What follows the last word of a stream without money, by its caller's dialect: an error in its
/// own form, and nothing of what ends a whole answer.
const CHAT: &str = concat!(
    r#""},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"error":{"message":"SAID","type":"insufficient_quota","param":null,"code":"budget.exhausted","request_id":"REQUEST"}}"#,
    "\n\n"
);
const RESPONSES: &str = concat!(
    r#"","logprobs":[]}"#,
    "\n\n",
    "event: error\n",
    r#"data: {"type":"error","sequence_number":0,"code":"budget.exhausted","message":"SAID","param":null,"error":{"message":"SAID","type":"insufficient_quota","param":null,"code":"budget.exhausted","request_id":"REQUEST"}}"#,
    "\n\n"
);
const MESSAGES: &str = concat!(
    r#""}}"#,
    "\n\n",
    "event: error\n",
    r#"data: {"type":"error","error":{"type":"billing_error","message":"SAID","details":{"error_code":"budget.exhausted"}},"request_id":"REQUEST"}"#,
    "\n\n"
);
const COHERE: &str = concat!(
    r#""}}}}"#,
    "\n\n",
    "event: message-end\n",
    r#"data: {"type":"message-end","id":"REQUEST","delta":{"finish_reason":"ERROR","error":"SAID","code":"budget.exhausted"}}"#,
    "\n\n"
);
const GEMINI: &str = concat!(
    r#""}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"c"}"#,
    "\n\n",
    r#"data: {"error":{"code":402,"message":"SAID","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"budget.exhausted","domain":"tollgate","metadata":{"requestId":"REQUEST"}},{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"REQUEST"}]}}"#,
    "\n\n"
);
const LIST: &str = concat!(
    r#""}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"c"}"#,
    ",\r\n",
    r#"{"error":{"code":402,"message":"SAID","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"budget.exhausted","domain":"tollgate","metadata":{"requestId":"REQUEST"}},{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"REQUEST"}]}}"#
);
const COMPLETIONS: &str = concat!(
    r#"","finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"error":{"message":"SAID","type":"insufficient_quota","param":null,"code":"budget.exhausted","request_id":"REQUEST"}}"#,
    "\n\n"
);
const OIP: &str =
    concat!(r#""}"#, "\n\n", r#"data: {"error":"SAID (budget.exhausted, REQUEST)"}"#, "\n\n");
const OLLAMA: &str =
    concat!(r#""},"done":false}"#, "\n", r#"{"error":"SAID (budget.exhausted, REQUEST)"}"#, "\n");

/// `golden` with the sentence about a limit of `max` tokens.
fn said(golden: &str, max: u64) -> String {
    let of = format!("The limit is {max} output tokens in all (lim_065svpb801og3081040g208104).");
    golden.replace("SAID", &format!("The token limit is used up for now. {of}"))
}

#[tokio::test]
async fn a_stream_without_money_ends_with_the_error_of_its_callers_dialect() {
    let upstream = Upstream::endless(SSE, openai(), openai()).await;
    let turns = json!([{"role": "user", "content": "Hello"}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
                        "generationConfig": {"maxOutputTokens": 20}});
    let cases = [
        (
            "/v1/chat/completions".to_owned(),
            json!({"model": MODEL, "messages": turns, "max_tokens": 20, "stream": true}),
            CHAT,
        ),
        (
            "/v1/responses".to_owned(),
            json!({"model": MODEL, "input": "Hello", "max_output_tokens": 20, "store": false,
                   "stream": true}),
            RESPONSES,
        ),
        (
            "/v1/messages".to_owned(),
            json!({"model": MODEL, "messages": turns, "max_tokens": 20, "stream": true}),
            MESSAGES,
        ),
        (
            "/v2/chat".to_owned(),
            json!({"model": MODEL, "messages": turns, "max_tokens": 20, "stream": true}),
            COHERE,
        ),
        (format!("/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"), gemini.clone(), GEMINI),
        (format!("/v1beta/models/{MODEL}:streamGenerateContent"), gemini, LIST),
    ];
    let mut ends = Vec::new();
    for (path, body, golden) in cases {
        let base_url = upstream.base_url.clone();
        let stack = Stack::of(move |world| {
            world.providers[0].base_url = base_url;
            limited(world);
        })
        .await;
        let text = end_of(&stack, &path, &body).await;
        assert!(text.matches("word ").count() >= 20, "{path}: {text}");
        ends.push((said(golden, 100), after_the_last_word(&text)));
    }
    for (golden, end) in ends {
        assert_eq!(end, golden);
    }
}

#[tokio::test]
async fn a_stream_of_an_older_form_without_money_ends_with_its_error() {
    let piece = json!({"id": "c", "object": "text_completion", "model": "m",
        "choices": [{"index": 0, "text": "word ", "finish_reason": null}]});
    let piece = format!("data: {piece}\n\n").into_bytes();
    let upstream = Upstream::endless(SSE, piece.clone(), piece).await;
    let base_url = upstream.base_url.clone();
    let stack = Stack::of(move |world| {
        world.providers[0].base_url = base_url;
        limited(world);
    })
    .await;
    let body = json!({"model": MODEL, "prompt": "Once", "max_tokens": 20, "stream": true});
    let text = end_of(&stack, "/v1/completions", &body).await;
    assert_eq!(after_the_last_word(&text), said(COMPLETIONS, 100));
}

#[tokio::test]
async fn a_text_without_money_ends_with_its_model_servers_error() {
    let piece = b"data: {\"model_name\":\"m\",\"text_output\":\"word \"}\n\n".to_vec();
    let upstream = Upstream::endless(SSE, piece.clone(), piece).await;
    let of = served(Modality::Chat, &upstream.base_url);
    let stack = Stack::of(|world| {
        of(world);
        limited(world);
    })
    .await;
    let body = json!({"text_input": "Once", "parameters": {"max_tokens": 20}});
    let text = end_of(&stack, &format!("/v2/models/{MODEL}/generate_stream"), &body).await;
    assert_eq!(after_the_last_word(&text), said(OIP, 100));
}

async fn native(dialect: Dialect, kind: &'static str, first: Vec<u8>, piece: Vec<u8>) -> Stack {
    let upstream = Upstream::endless(kind, first, piece).await;
    Stack::of(move |world| {
        let mut provider = provider_with(1, upstream.base_url, CREDENTIAL);
        (provider.slug, provider.dialect) = ("far".into(), dialect);
        provider.auth = Auth::Bearer;
        world.providers[0] = provider;
        // A provider's own words state no bound here, so a first part is held.
        world.limit(Metric::OutputTokens, Window::Lifetime, 1_100);
    })
    .await
}

#[tokio::test]
async fn a_stream_in_the_providers_own_words_without_money_ends_in_them() {
    let first = frame("messageStart", &json!({"role": "assistant"}));
    let delta = json!({"contentBlockIndex": 0, "delta": {"text": "word "}});
    let piece = frame("contentBlockDelta", &delta);
    let kind = "application/vnd.amazon.eventstream";
    let stack = native(Dialect::Bedrock, kind, first, piece).await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}],
                      "inferenceConfig": {"maxTokens": 20}});
    let text = end_of(&stack, "/native/far/model/sim-chat/converse-stream", &body).await;
    assert!(!text.contains("messageStop"), "{text}");
    let end = after_the_last_word(&text);
    assert!(end.contains(":exception-type") && end.contains("modelStreamErrorException"), "{end}");
    let told = said(r#"{"message":"SAID (budget.exhausted, REQUEST)"}"#, 1_100);
    assert!(end.contains(&told), "{end}");

    let line = json!({"model": "m", "message": {"role": "assistant", "content": "word "},
                      "done": false});
    let line = format!("{line}\n").into_bytes();
    let stack = native(Dialect::Ollama, "application/x-ndjson", line.clone(), line).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hello"}],
                      "options": {"num_predict": 20}});
    let text = end_of(&stack, "/native/far/api/chat", &body).await;
    assert_eq!(after_the_last_word(&text), said(OLLAMA, 1_100));
}

#[tokio::test]
async fn a_caller_that_asks_is_told_the_cost_at_the_end_of_any_stream() {
    let stack = Stack::start().await;
    let said = "Hello [[sim tokens=9 cached_tokens=2]]";
    let turns = json!([{"role": "user", "content": said}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": said}]}]});
    let cases = [
        ("/v1/chat/completions".to_owned(), json!({"messages": turns})),
        ("/v1/responses".to_owned(), json!({"input": said, "store": false})),
        ("/v1/messages".to_owned(), json!({"messages": turns, "max_tokens": 20})),
        ("/v2/chat".to_owned(), json!({"messages": turns})),
        (format!("/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"), gemini.clone()),
        (format!("/v1beta/models/{MODEL}:streamGenerateContent"), gemini),
    ];
    for (nth, (path, mut body)) in cases.into_iter().enumerate() {
        if !path.contains("v1beta") {
            body["model"] = MODEL.into();
            body["stream"] = true.into();
        }
        let ask = stack.post(&path).json(&body).header("x-tollgate-include-cost", "1");
        let text = ask.send().await.unwrap().text().await.unwrap();
        let event = stack.events(nth + 1).await.pop().unwrap();
        let told = match text.lines().find_map(|line| line.strip_prefix(": tollgate ")) {
            Some(told) => serde_json::from_str::<Value>(told).unwrap(),
            None => {
                let list: Vec<Value> = serde_json::from_str(&text).expect(&path);
                list.iter().find_map(|element| element.get("tollgate")).unwrap().clone()
            }
        };
        let cost = Usd(event.cost_nanos).to_string();
        let tokens = json!({"input": event.tokens.input, "cached_input": event.tokens.cached_input,
                            "output": 9});
        let tokens = match event.tokens.cached_input {
            0 => json!({"input": event.tokens.input, "output": 9}),
            _ => tokens,
        };
        assert_eq!(told, json!({"cost_usd": cost, "tokens": tokens}), "{path}");
    }
    // Nobody else is.
    let text = stack.chat_stream("tokens=9").await.text().await.unwrap();
    assert!(!text.contains(": tollgate"), "{text}");
}

#[tokio::test]
async fn a_caller_that_asks_is_told_the_cost_of_a_stream_that_broke() {
    let stack = Stack::start().await;
    let mut body = chat("cut_after=3 tokens=10");
    body["stream"] = true.into();
    let ask = stack.post("/v1/chat/completions").json(&body).header("x-tollgate-include-cost", "1");
    let text = ask.send().await.unwrap().text().await.unwrap();
    let (_, end) = text.split_once(": tollgate ").unwrap();
    assert!(end.contains(r#""code":"upstream.cut""#), "{text}");
    let cost = Usd(stack.event().await.cost_nanos).to_string();
    assert!(end.starts_with(&format!(r#"{{"cost_usd":"{cost}""#)), "{end}");
}
