//! Every caller's dialect against every provider's, through a running gateway and the simulator,
//! whose dialects are written on their own: plain, streamed, tools.

use crate::support::{EMBED, MODEL, Stack, World, provider_with};
use contract::snapshot::{Auth, Dialect, Modality, ProviderSettings};
use contract::usage::{Operation, Outcome};
use serde_json::{Value, json};

/// A caller's dialect: its address, how a call is put and how an answer is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Caller {
    Chat,
    Responses,
    Messages,
    Gemini,
    Cohere,
}

pub const CALLERS: [Caller; 5] =
    [Caller::Chat, Caller::Responses, Caller::Messages, Caller::Gemini, Caller::Cohere];

/// Providers by dialect: where the simulator has it, and how it wants to be told who we are.
pub const PROVIDERS: &[(Dialect, &str, Auth)] = &[
    (Dialect::Openai, "/v1", Auth::Bearer),
    (Dialect::Responses, "/v1", Auth::Bearer),
    (Dialect::Anthropic, "/v1", Auth::XApiKey),
    (Dialect::Gemini, "/v1beta", Auth::GoogleApiKey),
    (Dialect::Bedrock, "", Auth::AwsSigv4),
    (Dialect::Watsonx, "", Auth::Bearer),
    (Dialect::Cohere, "/v2", Auth::Bearer),
    (Dialect::Ollama, "", Auth::None),
];

async fn stack_on(dialect: Dialect, base: &'static str, auth: Auth) -> Stack {
    stack_on_model(dialect, base, auth, None).await
}

/// A gateway whose only provider speaks `dialect`; `model`: what it calls the embedding model.
async fn stack_on_model(
    dialect: Dialect,
    base: &'static str,
    auth: Auth,
    model: Option<&'static str>,
) -> Stack {
    Stack::of(move |world| place(world, dialect, base, auth, model)).await
}

/// Puts a provider that speaks `dialect` in the place of the world's.
pub fn place(world: &mut World, dialect: Dialect, base: &str, auth: Auth, model: Option<&str>) {
    let origin = world.providers[0].base_url.trim_end_matches("/v1").to_owned();
    let credential = if auth == Auth::AwsSigv4 { "AKIDSIM:secret" } else { "sk-sim" };
    let mut provider = provider_with(1, format!("{origin}{base}"), credential);
    (provider.dialect, provider.auth) = (dialect, auth);
    provider.settings = settings(dialect);
    world.providers[0] = provider;
    if let Some(model) = model {
        world.deployments[1].upstream_model = model.to_owned();
    }
}

fn settings(dialect: Dialect) -> ProviderSettings {
    let text = |text: &str| Some(text.to_owned());
    match dialect {
        Dialect::Bedrock => {
            ProviderSettings { region: text("eu-central-1"), ..ProviderSettings::default() }
        }
        Dialect::Watsonx => ProviderSettings {
            project: text("p-1"),
            api_version: text("2024-10-08"),
            ..ProviderSettings::default()
        },
        _ => ProviderSettings::default(),
    }
}

fn tool(caller: Caller) -> Value {
    let schema = json!({
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    });
    match caller {
        Caller::Chat | Caller::Cohere => json!([{"type": "function", "function": {
            "name": "get_weather", "description": "Tells the weather.", "parameters": schema}}]),
        Caller::Responses => json!([{"type": "function", "name": "get_weather",
            "description": "Tells the weather.", "parameters": schema}]),
        Caller::Messages => json!([{"name": "get_weather",
            "description": "Tells the weather.", "input_schema": schema}]),
        Caller::Gemini => json!([{"functionDeclarations": [{"name": "get_weather",
            "description": "Tells the weather.", "parameters": schema}]}]),
    }
}

impl Caller {
    pub fn request(self, said: &str, stream: bool, tools: bool) -> (String, Value) {
        let turn = json!([{"role": "user", "content": said}]);
        let (path, mut body) = match self {
            Self::Chat => ("/v1/chat/completions", json!({"messages": turn})),
            Self::Responses => ("/v1/responses", json!({"input": turn, "store": false})),
            Self::Messages => ("/v1/messages", json!({"messages": turn, "max_tokens": 200})),
            Self::Cohere => ("/v2/chat", json!({"messages": turn})),
            Self::Gemini => {
                ("", json!({"contents": [{"role": "user", "parts": [{"text": said}]}]}))
            }
        };
        let mut path = path.to_owned();
        if self == Self::Gemini {
            let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            path = format!("/v1beta/models/{MODEL}:{method}");
        } else {
            body["model"] = MODEL.into();
            if stream {
                body["stream"] = true.into();
            }
        }
        if tools {
            body["tools"] = tool(self);
        }
        (path, body)
    }

    /// The text and the names of the tools called.
    pub fn read(self, answer: &Value) -> (String, Vec<String>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        match self {
            Self::Chat => {
                let message = &answer["choices"][0]["message"];
                let calls = list(&message["tool_calls"]);
                let names = calls.iter().map(|call| text(&call["function"]["name"])).collect();
                (text(&message["content"]), names)
            }
            Self::Responses => {
                let mut said = String::new();
                let mut names = Vec::new();
                for item in list(&answer["output"]) {
                    for part in list(&item["content"]) {
                        said += &text(&part["text"]);
                    }
                    if item["type"] == "function_call" {
                        names.push(text(&item["name"]));
                    }
                }
                (said, names)
            }
            Self::Messages => {
                let parts = list(&answer["content"]);
                let said = parts.iter().map(|part| text(&part["text"])).collect();
                let calls = parts.iter().filter(|part| part["type"] == "tool_use");
                (said, calls.map(|call| text(&call["name"])).collect())
            }
            Self::Cohere => {
                let message = &answer["message"];
                let said =
                    list(&message["content"]).iter().map(|part| text(&part["text"])).collect();
                let calls = list(&message["tool_calls"]);
                (said, calls.iter().map(|call| text(&call["function"]["name"])).collect())
            }
            Self::Gemini => {
                let parts = list(&answer["candidates"][0]["content"]["parts"]);
                let said = parts.iter().map(|part| text(&part["text"])).collect();
                let calls = parts.iter().filter(|part| part["functionCall"].is_object());
                (said, calls.map(|call| text(&call["functionCall"]["name"])).collect())
            }
        }
    }

    /// The text of a stream, and whether it ended as it should.
    pub fn read_stream(self, text: &str) -> (String, bool) {
        let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let chunks: Vec<Value> =
            data.iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
        let said = |pick: &dyn Fn(&Value) -> Value| -> String {
            chunks.iter().filter_map(|chunk| pick(chunk).as_str().map(str::to_owned)).collect()
        };
        let last = chunks.last().map(|chunk| chunk["type"].clone()).unwrap_or_default();
        match self {
            Self::Chat => (
                said(&|chunk| chunk["choices"][0]["delta"]["content"].clone()),
                data.last() == Some(&"[DONE]"),
            ),
            Self::Responses => (
                said(&|chunk| match chunk["type"].as_str() {
                    Some("response.output_text.delta") => chunk["delta"].clone(),
                    _ => Value::Null,
                }),
                last == "response.completed",
            ),
            Self::Messages => {
                (said(&|chunk| chunk["delta"]["text"].clone()), last == "message_stop")
            }
            Self::Cohere => (
                said(&|chunk| chunk["delta"]["message"]["content"]["text"].clone()),
                chunks.last().is_some_and(|chunk| {
                    chunk["type"] == "message-end"
                        && chunk["delta"]["finish_reason"] == "COMPLETE"
                        && chunk["delta"]["usage"]["tokens"].is_object()
                }),
            ),
            Self::Gemini => (
                said(&|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].clone()),
                chunks.last().is_some_and(|chunk| {
                    chunk["candidates"][0]["finishReason"] == "STOP"
                        && chunk["usageMetadata"].is_object()
                }),
            ),
        }
    }
}

#[tokio::test]
async fn every_caller_is_answered_by_every_provider_and_metered_as_it_counted() {
    for (dialect, base, auth) in PROVIDERS {
        let stack = stack_on(*dialect, base, *auth).await;
        let mut calls = 0;
        for caller in CALLERS {
            let (path, body) = caller.request("Hello [[sim tokens=9]]", false, false);
            let response = stack.post(&path).json(&body).send().await.unwrap();
            let cell = format!("{caller:?} to {dialect:?}");
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            let status = response.status();
            let text = response.text().await.unwrap();
            assert_eq!(status, 200, "{cell}: {text}");
            let (said, tools) = caller.read(&serde_json::from_str(&text).unwrap());
            assert!(!said.is_empty() && tools.is_empty(), "{cell}: {text}");
            calls += 1;
            let event = stack.events(calls).await.into_iter().next_back().unwrap();
            let served = stack.sim.find(&id).unwrap();
            assert_eq!((event.tokens.input, event.tokens.output), (served.input, 9), "{cell}");
            assert_eq!((event.outcome, event.estimated), (Outcome::Ok, false), "{cell}");
        }
    }
}

#[tokio::test]
async fn every_caller_streams_from_every_provider_to_its_own_end_mark() {
    for (dialect, base, auth) in PROVIDERS {
        let stack = stack_on(*dialect, base, *auth).await;
        let mut calls = 0;
        for caller in CALLERS {
            let (path, body) = caller.request("Hello [[sim tokens=9]]", true, false);
            let response = stack.post(&path).json(&body).send().await.unwrap();
            let cell = format!("{caller:?} to {dialect:?}");
            let status = response.status();
            let text = response.text().await.unwrap();
            assert_eq!(status, 200, "{cell}: {text}");
            let (said, whole) = caller.read_stream(&text);
            assert!(!said.is_empty() && whole, "{cell}: {text}");
            calls += 1;
            let event = stack.events(calls).await.into_iter().next_back().unwrap();
            assert_eq!((event.tokens.output, event.estimated), (9, false), "{cell}");
        }
    }
}

#[tokio::test]
async fn every_callers_tools_are_called_by_every_provider() {
    for (dialect, base, auth) in PROVIDERS {
        let stack = stack_on(*dialect, base, *auth).await;
        for caller in CALLERS {
            let (path, body) = caller.request("Weather? [[sim calls=2]]", false, true);
            let response = stack.post(&path).json(&body).send().await.unwrap();
            let cell = format!("{caller:?} to {dialect:?}");
            let status = response.status();
            let text = response.text().await.unwrap();
            assert_eq!(status, 200, "{cell}: {text}");
            let (_, tools) = caller.read(&serde_json::from_str(&text).unwrap());
            assert_eq!(tools, ["get_weather", "get_weather"], "{cell}: {text}");
        }
    }
}

#[tokio::test]
async fn a_stream_cut_by_any_provider_never_ends_as_if_it_were_whole() {
    for (dialect, base, auth) in PROVIDERS {
        let stack = stack_on(*dialect, base, *auth).await;
        for caller in CALLERS {
            let said = "Hello [[sim tokens=40 chunks=20 cut_after=5]]";
            let (path, body) = caller.request(said, true, false);
            let response = stack.post(&path).json(&body).send().await.unwrap();
            let cell = format!("{caller:?} to {dialect:?}");
            assert_eq!(response.status(), 200, "{cell}");
            let text = response.text().await.unwrap();
            let (said, whole) = caller.read_stream(&text);
            assert!(!said.is_empty() && !whole, "{cell}: {text}");
            assert!(text.contains("error"), "{cell}: {text}");
        }
    }
}

#[tokio::test]
async fn what_opens_a_stream_is_held_until_its_content_so_that_another_attempt_can_follow() {
    for (dialect, base, auth) in PROVIDERS {
        let stack = stack_on(*dialect, base, *auth).await;
        for caller in CALLERS {
            let said = "Hello [[sim tokens=6 cut_after=0 fail_first=1]]";
            let (path, body) = caller.request(said, true, false);
            let response = stack.post(&path).json(&body).send().await.unwrap();
            let cell = format!("{caller:?} to {dialect:?}");
            assert_eq!(response.status(), 200, "{cell}");
            let text = response.text().await.unwrap();
            let (said, whole) = caller.read_stream(&text);
            assert!(!said.is_empty() && whole, "{cell}: {text}");
            for opening in ["\"response.created\"", "\"message_start\"", "\"message-start\""] {
                let times = text.lines().filter(|line| {
                    line.starts_with("data: ") && line.contains(&format!("\"type\":{opening}"))
                });
                assert!(times.count() <= 1, "{cell}: {text}");
            }
        }
        let events = stack.events(CALLERS.len()).await;
        assert!(events.iter().all(|event| event.attempts == 2), "{dialect:?}");
    }
}

#[tokio::test]
async fn embeddings_come_from_every_provider_that_has_them_in_either_callers_shape() {
    for (dialect, base, auth, model) in [
        (Dialect::Openai, "/v1", Auth::Bearer, "sim-embed"),
        (Dialect::Gemini, "/v1beta", Auth::GoogleApiKey, "sim-embed"),
        (Dialect::Bedrock, "", Auth::AwsSigv4, "amazon.titan-embed-text-v2:0"),
        (Dialect::Watsonx, "", Auth::Bearer, "sim-embed"),
        (Dialect::Cohere, "/v2", Auth::Bearer, "sim-embed"),
        (Dialect::Ollama, "", Auth::None, "sim-embed"),
    ] {
        let stack = stack_on_model(dialect, base, auth, Some(model)).await;
        let body = json!({"model": EMBED, "input": ["one two three", "four"]});
        let response = stack.post("/v1/embeddings").json(&body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{dialect:?}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let vectors = answer["data"].as_array().unwrap();
        assert_eq!(vectors.len(), 2, "{dialect:?}: {text}");
        assert!(vectors[1]["embedding"].as_array().is_some_and(|vector| !vector.is_empty()));
        let event = stack.event().await;
        assert_eq!(event.operation, Operation::Embeddings, "{dialect:?}");
        assert!(event.tokens.input > 0 && event.tokens.output_total() == 0, "{dialect:?}");

        let body = json!({"content": {"parts": [{"text": "one two"}]}});
        let path = format!("/v1beta/models/{EMBED}:embedContent");
        let response = stack.post(&path).json(&body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{dialect:?}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(!answer["embedding"]["values"].as_array().unwrap().is_empty(), "{dialect:?}");

        for (path, floats) in [("/v2/embed", "/embeddings/float"), ("/v1/embed", "/embeddings")] {
            let body = json!({"model": EMBED, "texts": ["one two", "three"],
                              "input_type": "search_document"});
            let response = stack.post(path).json(&body).send().await.unwrap();
            let status = response.status();
            let text = response.text().await.unwrap();
            assert_eq!(status, 200, "{path}, {dialect:?}: {text}");
            let answer: Value = serde_json::from_str(&text).unwrap();
            let vectors = answer.pointer(floats).and_then(Value::as_array).unwrap();
            assert!(vectors.len() == 2 && vectors[1][0].is_number(), "{path}, {dialect:?}: {text}");
            let units = &answer["meta"]["billed_units"]["input_tokens"];
            let event = stack.events(if path == "/v2/embed" { 3 } else { 4 }).await.pop().unwrap();
            // Who does not say what it used is not said to have used something.
            let told = (!event.estimated).then_some(event.tokens.input);
            assert_eq!(units.as_u64(), told, "{path}, {dialect:?}");
        }
    }
}

#[tokio::test]
async fn documents_are_ranked_in_either_callers_shape() {
    let stack = Stack::of(|world| {
        let origin = world.providers[0].base_url.trim_end_matches("/v1").to_owned();
        let mut provider = provider_with(1, origin, "sk-sim");
        provider.dialect = Dialect::Watsonx;
        provider.settings = settings(Dialect::Watsonx);
        world.providers[0] = provider;
        world.models[0].modality = Modality::Rerank;
    })
    .await;
    for path in ["/v1/rerank", "/v2/rerank"] {
        let body = json!({
            "model": MODEL, "query": "Where is Oslo?", "top_n": 1,
            "documents": ["Paris is in France.", "Oslo is in Norway."],
        });
        let response = stack.post(path).json(&body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["results"].as_array().unwrap().len(), 1, "{text}");
        assert_eq!(answer["results"][0]["index"], 1, "{text}");
    }
    let events = stack.events(2).await;
    assert!(events.iter().all(|event| event.operation == Operation::Rerank));
    let chat = json!({"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]});
    let refused = stack.post("/v1/chat/completions").json(&chat).send().await.unwrap();
    assert_eq!(refused.headers()["x-tollgate-error-code"], "model.operation");
}
