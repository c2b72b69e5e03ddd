//! The simulator in each vendor's dialect: one guarantee a test, every dialect in each.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of a test fails the test"
)]

mod vendor;

use serde_json::{Value, json};
use simulator::{Handle, Outcome, Served, start};
use std::time::Duration;
use vendor::{ALL, CONVERSE, MESSAGES, Said, Vendor};

async fn simulator() -> Handle {
    start("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

async fn post(handle: &Handle, path: &str, body: &Value) -> reqwest::Response {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let request = client.post(format!("{}{path}", handle.root())).header("x-request-id", "r");
    let request = request.header("anthropic-version", "2023-06-01").body(body.to_string());
    request.send().await.unwrap()
}

async fn whole(handle: &Handle, vendor: &Vendor, body: &Value) -> Said {
    let response = post(handle, vendor.plain, body).await;
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{}: {answer}", vendor.name);
    (vendor.read)(&answer)
}

/// The events of a stream: payloads of SSE, or of frames with their type under `event`.
async fn events(handle: &Handle, vendor: &Vendor, body: &Value) -> Vec<Value> {
    let response = post(handle, vendor.stream, &vendor.streamed(body)).await;
    assert_eq!(response.status().as_u16(), 200, "{}", vendor.name);
    let bytes = response.bytes().await.unwrap();
    if vendor.name == CONVERSE.name {
        return frames(&bytes);
    }
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let data =
        |line| if vendor.name == "ollama" { Some(line) } else { str::strip_prefix(line, "data: ") };
    let lines = text.lines().filter_map(data);
    lines.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

fn frames(mut bytes: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (total, headers) = (number(0), number(4));
        let head = String::from_utf8_lossy(&bytes[12..12 + headers]).into_owned();
        let payload = &bytes[12 + headers..total - 4];
        let mut event: Value = serde_json::from_slice(payload).unwrap_or_default();
        let kinds = [
            "messageStart",
            "contentBlockStart",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata",
            "exception",
        ];
        let kind = kinds.iter().find(|kind| head.contains(**kind)).unwrap();
        event["event"] = json!(kind);
        events.push(event);
        bytes = &bytes[total..];
    }
    events
}

async fn streamed(handle: &Handle, vendor: &Vendor, body: &Value) -> Said {
    (vendor.gather)(&events(handle, vendor, body).await)
}

fn served(handle: &Handle) -> Served {
    handle.find("r").unwrap()
}

#[tokio::test]
async fn plain_and_streamed_say_the_same_and_report_what_is_counted() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let body = (vendor.body)("Say hello.");
        let plain = whole(&simulator, vendor, &body).await;
        assert!(plain.text.contains("simulator"), "{plain:?}");
        assert_eq!(plain.finish, vendor.finishes[0]);
        let count = served(&simulator);
        assert_eq!((count.dialect, count.outcome), (vendor.name, Outcome::Completed));
        assert_eq!(plain.usage, Some((count.input, count.output)), "{}", vendor.name);
        assert_eq!(count.output, simulator::tokens::count(&plain.text));
        let stream = streamed(&simulator, vendor, &body).await;
        assert_eq!(stream, plain, "{}", vendor.name);
        assert!(served(&simulator).stream);
    }
}

#[tokio::test]
async fn a_reply_is_cut_at_the_tokens_that_the_caller_allows() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let body = vendor.capped((vendor.body)("Say hello."), 3);
        for said in
            [whole(&simulator, vendor, &body).await, streamed(&simulator, vendor, &body).await]
        {
            assert_eq!(said.finish, vendor.finishes[1]);
            assert_eq!(said.usage.unwrap().1, 3, "{}", vendor.name);
        }
    }
}

#[tokio::test]
async fn tools_are_called_and_what_they_answer_is_repeated() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let body = vendor.with_tool((vendor.body)("Weather? [[sim calls=2]]"));
        let said = whole(&simulator, vendor, &body).await;
        assert_eq!(said, streamed(&simulator, vendor, &body).await, "{}", vendor.name);
        let arguments: Vec<_> = said.calls.iter().map(|(.., arguments)| arguments).collect();
        assert_eq!(arguments, [&json!({"city": "simulated"}), &json!({"city": "simulated 2"})]);
        assert_eq!((said.calls[0].1.as_str(), &*said.finish), ("get_weather", vendor.finishes[2]));
        assert_ne!(said.calls[0].0, said.calls[1].0);
        assert_eq!(served(&simulator).tools, 1);

        let next = vendor.next_turn(body.clone(), &said, "21 degrees");
        let told = whole(&simulator, vendor, &next).await;
        assert!(told.calls.is_empty() && told.text.contains("21 degrees"), "{told:?}");

        let mut stranger = said;
        stranger.calls.truncate(1);
        stranger.calls[0].0 = "nobody".to_owned();
        let mut orphan = vendor.next_turn(body, &stranger, "21 degrees");
        for key in ["messages", "contents", "input"] {
            if let Some(turns) = orphan[key].as_array_mut() {
                turns.remove(1);
            }
        }
        let refused = post(&simulator, vendor.plain, &orphan).await;
        assert_eq!(refused.status().as_u16(), 400, "{}", vendor.name);
    }
}

#[tokio::test]
async fn structured_output_fits_its_schema() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let body = vendor.shaped((vendor.body)("Weather?"));
        let said = whole(&simulator, vendor, &body).await;
        let object: Value = serde_json::from_str(&said.text).unwrap();
        assert_eq!(object, json!({"city": "simulated"}), "{}", vendor.name);
        assert_eq!(said, streamed(&simulator, vendor, &body).await);
    }
}

#[tokio::test]
async fn thoughts_are_told_and_signed_and_a_forged_signature_is_refused() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let (told, signed) = vendor.thinks;
        let body = vendor.with_tool((vendor.body)("Weather? [[sim reasoning_tokens=7 calls=1]]"));
        let said = whole(&simulator, vendor, &body).await;
        assert_eq!(said, streamed(&simulator, vendor, &body).await, "{}", vendor.name);
        assert_eq!(!said.thoughts.is_empty(), told, "{}", vendor.name);
        assert_eq!(said.signature.is_some(), signed, "{}", vendor.name);
        let count = served(&simulator);
        assert_eq!(said.usage.unwrap().1, count.output + count.reasoning, "{}", vendor.name);
        let text = simulator::tokens::count(&said.calls[0].2.to_string());
        assert_eq!(count.output + count.reasoning, text + 7, "{}", vendor.name);
        if !signed {
            continue;
        }
        let next = vendor.next_turn(body.clone(), &said, "21 degrees");
        whole(&simulator, vendor, &next).await;
        assert_eq!(served(&simulator).signatures, 1, "{}", vendor.name);
        let forged = Said { signature: Some("AAAA".to_owned()), ..said };
        let next = vendor.next_turn(body, &forged, "21 degrees");
        let refused = post(&simulator, vendor.plain, &next).await;
        assert_eq!(refused.status().as_u16(), 400, "{}", vendor.name);
        assert!(refused.text().await.unwrap().contains("signature"), "{}", vendor.name);
    }
}

#[tokio::test]
async fn cached_tokens_are_told_where_the_vendor_tells_them() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let prompt = "Say hello. [[sim cached_tokens=2 cache_write_tokens=3]]";
        let body = (vendor.body)(prompt);
        let plain = whole(&simulator, vendor, &body).await;
        let count = served(&simulator);
        let told = count.input + count.cached_input + count.cache_write;
        assert_eq!(plain.usage.unwrap().0, told, "{}", vendor.name);
        let classes = match vendor.name {
            "anthropic" | "bedrock" => (2, 3),
            "watsonx" => (0, 0),
            _ => (2, 0),
        };
        assert_eq!((count.cached_input, count.cache_write), classes, "{}", vendor.name);
    }
}

#[tokio::test]
async fn errors_come_in_the_vendors_shape() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let body = (vendor.body)("Say hello. [[sim status=429 retry_after=3]]");
        let response = post(&simulator, vendor.plain, &body).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (429, &"3".parse().unwrap())
        );
        let kind = response.headers().get("x-amzn-errortype").cloned();
        let named = kind.map(|kind| kind.to_str().unwrap().to_owned());
        assert_eq!(named.as_deref(), (vendor.name == "bedrock").then_some("ThrottlingException"));
        let error: Value = response.json().await.unwrap();
        let (pointer, word) = vendor.limited;
        let found = error.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert!(found.contains(word), "{}: {error}", vendor.name);

        let mut wrong = (vendor.body)("Say hello.");
        wrong.as_object_mut().unwrap().remove("messages");
        wrong.as_object_mut().unwrap().remove("contents");
        wrong.as_object_mut().unwrap().remove("input");
        assert_eq!(post(&simulator, vendor.plain, &wrong).await.status().as_u16(), 400);
    }
}

#[tokio::test]
async fn streams_break_as_the_switches_say_in_every_dialect() {
    let simulator = simulator().await;
    for vendor in &ALL {
        let prompt = |switches: &str| (vendor.body)(&format!("Hi. [[sim tokens=6 {switches}]]"));
        let whole = events(&simulator, vendor, &prompt("")).await;
        let short = events(&simulator, vendor, &prompt("no_done=1")).await;
        let ends = |events: &[Value]| (vendor.gather)(events).finish;
        if !["openai_chat", "anthropic"].contains(&vendor.name) {
            assert!(short.len() < whole.len(), "{}", vendor.name);
        }
        assert_eq!(served(&simulator).outcome, Outcome::Cut);
        assert_eq!(ends(&whole), vendor.finishes[0]);

        let garbled = vendor.streamed(&prompt("malformed=1"));
        let garbled = post(&simulator, vendor.stream, &garbled).await.bytes().await.unwrap();
        assert!(String::from_utf8_lossy(&garbled).contains("is not JSON"), "{}", vendor.name);

        let broken = events(&simulator, vendor, &prompt("error_after=2")).await;
        let last = broken.last().unwrap().to_string();
        assert!(last.contains("breaks this stream off"), "{}: {last}", vendor.name);

        let cut = post(&simulator, vendor.stream, &vendor.streamed(&prompt("cut_after=2"))).await;
        assert!(cut.bytes().await.is_err(), "{}", vendor.name);
        let count = served(&simulator);
        assert_eq!((count.outcome, count.output), (Outcome::Cut, 2), "{}", vendor.name);

        let silent = events(&simulator, vendor, &prompt("no_usage=1")).await;
        assert_eq!((vendor.gather)(&silent).usage, None, "{}", vendor.name);
    }
}

#[tokio::test]
async fn strict_vendors_refuse_fields_that_they_do_not_know() {
    let simulator = simulator().await;
    let lax = |vendor: &&Vendor| vendor.name.starts_with("openai") || vendor.name == "ollama";
    for vendor in ALL.iter().filter(|vendor| !lax(vendor)) {
        let mut body = (vendor.body)("Say hello.");
        body["colour"] = json!("red");
        let refused = post(&simulator, vendor.plain, &body).await;
        assert_eq!(refused.status().as_u16(), 400, "{}", vendor.name);
        assert!(refused.text().await.unwrap().contains("colour"), "{}", vendor.name);
    }
    let client = reqwest::Client::new();
    let url = format!("{}{}", simulator.root(), MESSAGES.plain);
    let unversioned = client.post(url).body((MESSAGES.body)("Hi").to_string()).send().await;
    assert_eq!(unversioned.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn embeddings_rerank_and_counts_answer_in_each_vendors_form() {
    let simulator = simulator().await;
    let texts = ["a text", "another"];
    let contents = json!([{"parts": [{"text": "a text"}]}]);
    let content = &contents[0];
    let documents = ["Oslo is cold", "the weather in Paris"];
    let inputs = json!([{"text": documents[0]}, {"text": documents[1]}]);
    let prompt = json!({"model": "m", "messages": [{"role": "user", "content": "a text"}]});
    let cases = [
        (
            "/v2/embed",
            json!({"model": "m", "texts": texts, "input_type": "search_query"}),
            "/embeddings/float/1/255",
            4,
        ),
        ("/v1beta/models/m:embedContent", json!({"content": content}), "/embedding/values/255", 2),
        (
            "/v1beta/models/m:batchEmbedContents",
            json!({"requests": [{"content": content}]}),
            "/embeddings/0/values/255",
            2,
        ),
        ("/model/titan/invoke", json!({"inputText": "a text", "dimensions": 8}), "/embedding/7", 2),
        (
            "/model/cohere/invoke",
            json!({"texts": texts, "input_type": "search_query"}),
            "/embeddings/1/255",
            4,
        ),
        (
            "/ml/v1/text/embeddings",
            json!({"model_id": "m", "project_id": "p", "inputs": texts}),
            "/results/1/embedding/255",
            4,
        ),
        (
            "/api/embed",
            json!({"model": "m", "input": texts, "truncate": false}),
            "/embeddings/1/255",
            4,
        ),
        (
            "/v2/rerank",
            json!({"model": "m", "query": "weather Paris", "documents": documents}),
            "/results/0/index",
            0,
        ),
        (
            "/ml/v1/text/rerank",
            json!({"model_id": "m", "project_id": "p", "query": "weather", "inputs": inputs}),
            "/results/0/index",
            13,
        ),
        ("/v1/messages/count_tokens", prompt, "/input_tokens", 0),
        ("/v1beta/models/m:countTokens", json!({"contents": contents}), "/totalTokens", 0),
    ];
    for (path, body, pointer, input) in cases {
        let response = post(&simulator, path, &body).await;
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let answer: Value = response.json().await.unwrap();
        let found = answer.pointer(pointer).unwrap_or_else(|| panic!("{path}: {answer}"));
        if pointer.ends_with("index") {
            assert_eq!(*found, 1, "{path}");
        }
        assert_eq!(served(&simulator).input, input, "{path}");
    }
}

#[tokio::test]
async fn access_tokens_are_given_and_counted() {
    let simulator = simulator().await;
    for nth in 1..=2 {
        let response = post(&simulator, "/identity/token", &json!({})).await;
        let token: Value = response.json().await.unwrap();
        assert_eq!(token["access_token"], format!("simulated-token-{nth}"));
        assert_eq!(simulator.stats().tokens_issued, nth);
    }
}
