//! The simulator over its wire: each answer counts what it says, each switch does what it says.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

use serde_json::{Value, json};
use simulator::{Handle, Options, Outcome, Switches, start, start_with};
use std::time::{Duration, Instant};

async fn simulator() -> Handle {
    start("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

fn chat(directive: &str) -> Value {
    json!({"model": "sim-chat", "messages": [{"role": "user", "content": format!("Hi {directive}")}]})
}

fn stream(directive: &str, include_usage: bool) -> Value {
    let mut body = chat(directive);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": include_usage});
    body
}

async fn post(handle: &Handle, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let url = format!("{}{path}", handle.base_url());
    client.post(url).header("x-request-id", "req_1").body(body.to_string()).send().await
}

async fn answer(handle: &Handle, body: &Value) -> Value {
    let response = post(handle, "/chat/completions", body).await.unwrap();
    assert_eq!(response.headers()["x-simulator"], "tollgate");
    response.json().await.unwrap()
}

/// The `data:` payloads of a stream.
async fn events(handle: &Handle, body: &Value) -> Vec<String> {
    let response = post(handle, "/chat/completions", body).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    payloads(&response.text().await.unwrap())
}

fn payloads(text: &str) -> Vec<String> {
    text.split("\n\n").filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

fn contents(events: &[String]) -> Vec<String> {
    let values = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
    values
        .filter_map(|v| v["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .filter(|text| !text.is_empty())
        .collect()
}

#[tokio::test]
async fn a_plain_answer_says_it_is_simulated_and_counts_its_tokens() {
    let simulator = simulator().await;
    let answer = answer(&simulator, &chat("")).await;
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("simulator"), "{text}");
    assert_eq!(answer["system_fingerprint"], "tollgate-simulator");
    assert_eq!(answer["usage"]["completion_tokens"], simulator::tokens::count(text));
    let served = simulator.find("req_1").unwrap();
    assert_eq!(answer["usage"]["prompt_tokens"], served.input);
    assert_eq!(answer["usage"]["completion_tokens"], served.output);
    assert_eq!((served.outcome, served.calls, served.completed), (Outcome::Completed, 1, 1));
}

#[tokio::test]
async fn the_same_call_gets_the_same_answer() {
    let simulator = simulator().await;
    assert_eq!(answer(&simulator, &chat("")).await, answer(&simulator, &chat("")).await);
}

#[tokio::test]
async fn a_stream_says_what_the_plain_answer_says_and_reports_usage_only_if_asked() {
    let simulator = simulator().await;
    let plain = answer(&simulator, &chat("")).await;
    for include in [true, false] {
        let events = events(&simulator, &stream("", include)).await;
        assert_eq!(contents(&events).concat(), plain["choices"][0]["message"]["content"]);
        assert_eq!(events.last().unwrap(), "[DONE]");
        let usage = serde_json::from_str::<Value>(&events[events.len() - 2]).unwrap();
        if include {
            assert_eq!(usage["usage"], plain["usage"]);
            assert_eq!(usage["choices"], json!([]));
        } else {
            assert!(!events.concat().contains("usage"));
        }
        assert_eq!(simulator.find("req_1").unwrap().usage_reported, include);
    }
}

#[tokio::test]
async fn usage_told_with_each_chunk_is_what_was_told_so_far_even_when_the_stream_is_cut() {
    let simulator = simulator().await;
    let said = "[[sim tokens=10 chunks=5 usage_each=1 cut_after=3]]";
    let response = post(&simulator, "/chat/completions", &stream(said, true)).await.unwrap();
    let (mut response, mut text) = (response, Vec::new());
    while let Ok(Some(piece)) = response.chunk().await {
        text.extend_from_slice(&piece);
    }
    let told: Vec<u64> = payloads(&String::from_utf8(text).unwrap())
        .iter()
        .filter_map(|event| serde_json::from_str::<Value>(event).ok())
        .filter_map(|event| event["usage"]["completion_tokens"].as_u64())
        .collect();
    let served = simulator.find("req_1").unwrap();
    assert_eq!((told, served.output, served.outcome), (vec![0, 2, 4, 6], 6, Outcome::Cut));
}

#[tokio::test]
async fn tokens_chunks_and_caps_shape_the_reply() {
    let simulator = simulator().await;
    let events = events(&simulator, &stream("[[sim tokens=10 chunks=3]]", true)).await;
    assert_eq!(contents(&events).len(), 3);
    assert_eq!(simulator.find("req_1").unwrap().output, 10);

    let mut body = chat("[[sim tokens=10]]");
    body["max_tokens"] = json!(4);
    let cut = answer(&simulator, &body).await;
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    assert_eq!(cut["usage"]["completion_tokens"], 4);
    body["max_completion_tokens"] = json!(6);
    assert_eq!(answer(&simulator, &body).await["usage"]["completion_tokens"], 6);
}

#[tokio::test]
async fn cached_and_reasoning_tokens_are_inside_the_totals_and_apart_in_the_count() {
    let simulator = simulator().await;
    let answer = answer(&simulator, &chat("[[sim cached_tokens=5 reasoning_tokens=7]]")).await;
    let (usage, served) = (&answer["usage"], simulator.find("req_1").unwrap());
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 5);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 7);
    assert_eq!(usage["prompt_tokens"], served.input + 5);
    assert_eq!(usage["completion_tokens"], served.output + 7);
    assert_eq!((served.cached_input, served.reasoning), (5, 7));
}

#[tokio::test]
async fn a_zero_token_reply_reports_an_explicit_zero() {
    let simulator = simulator().await;
    let answer = answer(&simulator, &chat("[[sim tokens=0]]")).await;
    assert_eq!(answer["usage"]["completion_tokens"], 0);
    assert_eq!(answer["choices"][0]["message"]["content"], "");
}

#[tokio::test]
async fn a_status_switch_answers_in_the_vendors_error_shape() {
    let simulator = simulator().await;
    let body = chat("[[sim status=429 retry_after=3]]");
    let response = post(&simulator, "/chat/completions", &body).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");
    assert_eq!(simulator.find("req_1").unwrap().outcome, Outcome::Failed);

    let body = chat("[[sim status=400 error_code=context_length_exceeded]]");
    assert_eq!(answer(&simulator, &body).await["error"]["code"], "context_length_exceeded");
}

#[tokio::test]
async fn faults_can_spare_all_but_every_nth_call_or_all_after_the_first() {
    let simulator = simulator().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let body = chat("[[sim status=500 fail_every=2]]");
        let response = post(&simulator, "/chat/completions", &body).await.unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 200, 500]);
    simulator.reset();
    for expected in [503, 200] {
        let body = chat("[[sim status=503 fail_first=1]]");
        let response = post(&simulator, "/chat/completions", &body).await.unwrap();
        assert_eq!(response.status().as_u16(), expected);
    }
}

#[tokio::test]
async fn a_cut_drops_the_connection_after_so_many_chunks() {
    let simulator = simulator().await;
    for after in [0, 2] {
        let body = stream(&format!("[[sim cut_after={after}]]"), true);
        let mut response = post(&simulator, "/chat/completions", &body).await.unwrap();
        let mut text = String::new();
        let error = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => text.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(None) => panic!("the stream ended cleanly"),
                Err(error) => break error,
            }
        };
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        assert_eq!(contents(&payloads(&text)).len(), after);
        let served = simulator.find("req_1").unwrap();
        assert_eq!((served.outcome, served.output), (Outcome::Cut, after as u64));
    }
    let plain = post(&simulator, "/chat/completions", &chat("[[sim cut_after=0]]")).await.unwrap();
    assert!(plain.bytes().await.is_err());
}

#[tokio::test]
async fn a_stream_can_end_with_an_error_event_or_without_its_end_mark() {
    let simulator = simulator().await;
    let broken = events(&simulator, &stream("[[sim error_after=1]]", false)).await;
    let error: Value = serde_json::from_str(broken.last().unwrap()).unwrap();
    assert_eq!((contents(&broken).len(), &error["error"]["code"]), (1, &json!("server_error")));
    let endless = events(&simulator, &stream("[[sim no_done=1]]", false)).await;
    assert!(!endless.contains(&"[DONE]".to_owned()));
    assert_eq!(simulator.find("req_1").unwrap().outcome, Outcome::Cut);
}

#[tokio::test]
async fn a_reset_ends_the_connection_before_any_answer() {
    let simulator = simulator().await;
    let error = post(&simulator, "/chat/completions", &chat("[[sim reset=1]]")).await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
}

#[tokio::test]
async fn a_hang_stops_where_it_says_and_a_caller_that_leaves_is_noticed() {
    let simulator = simulator().await;
    for (hang, chunks) in [("first_token", 0), ("end", 2)] {
        let body = stream(&format!("[[sim chunks=2 hang={hang}]]"), false);
        let mut response = post(&simulator, "/chat/completions", &body).await.unwrap();
        let mut text = String::new();
        while contents(&payloads(&text)).len() < chunks || text.is_empty() {
            text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
        }
        let more = tokio::time::timeout(Duration::from_millis(50), response.chunk()).await;
        assert!(more.is_err(), "{more:?}");
        drop(response);
        wait_for(&simulator, Outcome::CallerGone).await;
    }
    let body = chat("[[sim hang=headers]]");
    let call = post(&simulator, "/chat/completions", &body);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    wait_for(&simulator, Outcome::CallerGone).await;
}

async fn wait_for(simulator: &Handle, outcome: Outcome) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while simulator.find("req_1").map(|served| served.outcome) != Some(outcome) {
        assert!(Instant::now() < deadline, "{:?}", simulator.find("req_1"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn garbage_html_and_missing_usage_come_as_asked() {
    let simulator = simulator().await;
    let garbled = events(&simulator, &stream("[[sim chunks=3 malformed=1]]", true)).await;
    assert_eq!(garbled.iter().filter(|e| e.contains("is not JSON")).count(), 1);
    assert_eq!((contents(&garbled).len(), garbled.last().unwrap().as_str()), (3, "[DONE]"));

    let page = post(&simulator, "/chat/completions", &chat("[[sim not_json=1]]")).await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    assert!(page.text().await.unwrap().starts_with("<!doctype html>"));

    let silent = answer(&simulator, &chat("[[sim no_usage=1]]")).await;
    assert!(silent.get("usage").is_none());
    let silent = events(&simulator, &stream("[[sim no_usage=1]]", true)).await;
    assert!(!silent.concat().contains("usage"));
}

#[tokio::test]
async fn waits_and_dripping_slow_the_answer_without_changing_it() {
    let simulator = simulator().await;
    let quick = events(&simulator, &stream("[[sim chunks=3 drip=0 ]]", true)).await;
    let began = Instant::now();
    let directive = "[[sim chunks=3 drip=40]]";
    assert_eq!(directive.len(), "[[sim chunks=3 drip=0 ]]".len());
    let slow = events(&simulator, &stream(directive, true)).await;
    assert_eq!(quick, slow);
    assert!(began.elapsed() >= Duration::from_millis(10), "{:?}", began.elapsed());

    let began = Instant::now();
    events(&simulator, &stream("[[sim latency_ms=20 chunks=3 chunk_delay_ms=10]]", true)).await;
    assert!(began.elapsed() >= Duration::from_millis(40), "{:?}", began.elapsed());
}

#[tokio::test]
async fn control_sets_the_defaults_and_one_wrong_switch_changes_nothing() {
    let simulator = simulator().await;
    let control = format!("http://{}/_sim/control", simulator.addr);
    let client = reqwest::Client::new();
    let set = client.post(&control).body(json!({"tokens": 2, "no_usage": true}).to_string());
    assert_eq!(set.send().await.unwrap().status().as_u16(), 204);
    assert!(answer(&simulator, &chat("")).await.get("usage").is_none());
    assert_eq!(simulator.find("req_1").unwrap().output, 2);

    let wrong = client.post(format!("{control}?tokens=9&colour=red")).send().await.unwrap();
    assert_eq!(wrong.status().as_u16(), 400);
    assert!(wrong.text().await.unwrap().contains("colour"));
    answer(&simulator, &chat("")).await;
    assert_eq!(simulator.find("req_1").unwrap().output, 2);

    client.post(format!("http://{}/_sim/reset", simulator.addr)).send().await.unwrap();
    assert!(simulator.served().is_empty());
    assert!(answer(&simulator, &chat("")).await.get("usage").is_some());
}

#[tokio::test]
async fn what_was_served_can_be_read_over_http() {
    let simulator = simulator().await;
    answer(&simulator, &chat("")).await;
    let get = |path: &str| {
        let url = format!("http://{}/_sim/{path}", simulator.addr);
        async move { reqwest::get(url).await.unwrap().json::<Value>().await.unwrap() }
    };
    let one = get("requests?id=req_1").await;
    assert_eq!(one, get("requests").await[0]);
    assert_eq!((one["outcome"].as_str(), one["output"].as_u64()), (Some("completed"), Some(24)));
    assert_eq!(get("stats").await["completed"], 1);
    assert_eq!(get("last").await["headers"]["x-request-id"], "req_1");
}

#[tokio::test]
async fn a_required_key_refuses_other_keys_as_a_provider_does() {
    let options = Options {
        required_key: Some("sim-secret".to_owned()),
        ..Options::at("127.0.0.1:0".parse().unwrap())
    };
    let simulator = start_with(options).await.unwrap();
    let refused = post(&simulator, "/chat/completions", &chat("")).await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    let client = reqwest::Client::new();
    let url = format!("{}/chat/completions", simulator.base_url());
    for (name, value) in [("authorization", "Bearer sim-secret"), ("api-key", "sim-secret")] {
        let call = client.post(&url).header(name, value).body(chat("").to_string());
        assert_eq!(call.send().await.unwrap().status().as_u16(), 200);
    }
    let last = reqwest::get(format!("http://{}/_sim/last", simulator.addr)).await.unwrap();
    assert!(!last.text().await.unwrap().contains("sim-secret"));
}

#[tokio::test]
async fn embeddings_are_unit_vectors_in_either_encoding() {
    let simulator = simulator().await;
    let body = json!({"model": "sim-embed", "input": ["one text", "two"], "dimensions": 8});
    let response = post(&simulator, "/embeddings", &body).await.unwrap();
    let floats: Value = response.json().await.unwrap();
    assert_eq!(floats["data"].as_array().unwrap().len(), 2);
    assert_eq!(floats["data"][1]["embedding"].as_array().unwrap().len(), 8);
    assert_eq!(floats["usage"]["prompt_tokens"], simulator.find("req_1").unwrap().input);

    let mut body = body;
    body["encoding_format"] = json!("base64");
    let response = post(&simulator, "/embeddings", &body).await.unwrap();
    let coded: Value = response.json().await.unwrap();
    assert_eq!(coded["data"][0]["embedding"].as_str().unwrap().len(), 44);
}

#[tokio::test]
async fn a_request_that_is_not_right_is_refused_with_a_reason() {
    let simulator = simulator().await;
    let cases = [
        ("/chat/completions", json!("text"), "must be an object"),
        ("/chat/completions", json!({"model": "m", "messages": []}), "not empty"),
        ("/chat/completions", json!({"model": 7, "messages": []}), "must be a text"),
        ("/chat/completions", chat("[[sim colour=red]]"), "colour"),
        ("/embeddings", json!({"model": "m", "input": {"a": 1}}), "input"),
        ("/embeddings", json!({"model": "m", "input": ""}), "input"),
    ];
    for (path, body, says) in cases {
        let response = post(&simulator, path, &body).await.unwrap();
        assert_eq!(response.status().as_u16(), 400);
        let error: Value = response.json().await.unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_stopped_simulator_drops_its_connections() {
    let simulator = simulator().await;
    simulator
        .set_switches(Switches { hang: Some(simulator::Hang::FirstToken), ..Switches::default() });
    let mut response = post(&simulator, "/chat/completions", &stream("", false)).await.unwrap();
    response.chunk().await.unwrap();
    let address = simulator.addr;
    simulator.stop().await;
    assert!(response.chunk().await.is_err());
    assert!(reqwest::get(format!("http://{address}/livez")).await.is_err());
}
