//! How each vendor's request is written and its answers read, for the tests: from the vendors'
//! documents, apart from how the simulator does it.

mod asked;

use serde_json::{Value, json};

/// What an answer said, whichever dialect it came in.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    pub text: String,
    pub thoughts: String,
    pub signature: Option<String>,
    /// Id, name and arguments.
    pub calls: Vec<(String, String, Value)>,
    pub finish: String,
    /// Input as the vendor counts it, and output.
    pub usage: Option<(u64, u64)>,
}

/// A dialect: its paths, its words, its readers.
pub struct Vendor {
    pub name: &'static str,
    pub plain: &'static str,
    pub stream: &'static str,
    /// What ends an answer well, for want of tokens, and for a call.
    pub finishes: [&'static str; 3],
    /// Whether thoughts are told and signed.
    pub thinks: (bool, bool),
    pub body: fn(prompt: &str) -> Value,
    pub read: fn(&Value) -> Said,
    /// From the events of a stream, in order.
    pub gather: fn(&[Value]) -> Said,
    /// The key and word of the error for a rate limit.
    pub limited: (&'static str, &'static str),
}

pub fn schema() -> Value {
    json!({
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn parsed(value: &Value) -> Value {
    serde_json::from_str(value.as_str().unwrap()).unwrap()
}

fn pair(usage: &Value, input: &str, output: &str) -> Option<(u64, u64)> {
    Some((usage[input].as_u64()?, usage[output].as_u64()?))
}

pub const CHAT: Vendor = Vendor {
    name: "openai_chat",
    plain: "/v1/chat/completions",
    stream: "/v1/chat/completions",
    finishes: ["stop", "length", "tool_calls"],
    thinks: (false, false),
    body: |prompt| {
        json!({
            "model": "m", "messages": [{"role": "user", "content": prompt}],
            "stream_options": {"include_usage": true},
        })
    },
    read: read_chat,
    gather: gather_chat,
    limited: ("/error/code", "rate_limit_exceeded"),
};

pub const WATSONX: Vendor = Vendor {
    name: "watsonx",
    plain: "/ml/v1/text/chat?version=2025-10-01",
    stream: "/ml/v1/text/chat_stream?version=2025-10-01",
    finishes: ["stop", "length", "tool_calls"],
    thinks: (true, false),
    body: |prompt| {
        json!({
            "model_id": "m", "project_id": "p",
            "messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}],
        })
    },
    read: read_chat,
    gather: gather_chat,
    limited: ("/errors/0/code", "consumption_limit_reached"),
};

fn read_chat(answer: &Value) -> Said {
    let (choice, message) = (&answer["choices"][0], &answer["choices"][0]["message"]);
    let call = |call: &Value| {
        let function = &call["function"];
        (text(&call["id"]), text(&function["name"]), parsed(&function["arguments"]))
    };
    Said {
        text: text(&message["content"]),
        thoughts: text(&message["reasoning_content"]),
        signature: None,
        calls: message["tool_calls"].as_array().into_iter().flatten().map(call).collect(),
        finish: text(&choice["finish_reason"]),
        usage: pair(&answer["usage"], "prompt_tokens", "completion_tokens"),
    }
}

fn gather_chat(events: &[Value]) -> Said {
    let mut message = json!({"content": "", "reasoning_content": ""});
    let mut calls: Vec<Value> = Vec::new();
    let (mut finish, mut usage) = (Value::Null, Value::Null);
    let push = |into: &mut Value, more: &Value| *into = json!(text(into) + &text(more));
    for event in events {
        if !event["usage"].is_null() {
            usage = event["usage"].clone();
        }
        let choice = &event["choices"][0];
        for key in ["content", "reasoning_content"] {
            push(&mut message[key], &choice["delta"][key]);
        }
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = call["index"].as_u64().unwrap() as usize;
            if index == calls.len() {
                calls.push(call.clone());
            } else {
                let arguments = &mut calls[index]["function"]["arguments"];
                push(arguments, &call["function"]["arguments"]);
            }
        }
        if !choice["finish_reason"].is_null() {
            finish = choice["finish_reason"].clone();
        }
    }
    message["tool_calls"] = json!(calls);
    read_chat(&json!({"choices": [{"message": message, "finish_reason": finish}], "usage": usage}))
}

pub const RESPONSES: Vendor = Vendor {
    name: "openai_responses",
    plain: "/v1/responses",
    stream: "/v1/responses",
    finishes: ["completed", "incomplete", "completed"],
    thinks: (true, true),
    body: |prompt| json!({"model": "m", "input": prompt, "include": ["reasoning.encrypted_content"]}),
    read: |answer| {
        let mut said = Said {
            finish: text(&answer["status"]),
            usage: pair(&answer["usage"], "input_tokens", "output_tokens"),
            ..Said::default()
        };
        for item in answer["output"].as_array().unwrap() {
            match item["type"].as_str().unwrap() {
                "message" => said.text += &text(&item["content"][0]["text"]),
                "reasoning" => {
                    said.thoughts += &text(&item["summary"][0]["text"]);
                    said.signature = item["encrypted_content"].as_str().map(str::to_owned);
                }
                _ => {
                    let (id, name) = (text(&item["call_id"]), text(&item["name"]));
                    said.calls.push((id, name, parsed(&item["arguments"])));
                }
            }
        }
        said
    },
    gather: |events| {
        for (n, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], n, "{event}");
        }
        let last = events.last().unwrap();
        let said = (RESPONSES.read)(&last["response"]);
        let of = |kind: &str| -> Vec<&Value> {
            events.iter().filter(|event| event["type"] == kind).collect()
        };
        let deltas = |kind: &str| of(kind).iter().map(|e| text(&e["delta"])).collect::<String>();
        // The pieces make what the end repeats whole.
        assert_eq!(said.text, deltas("response.output_text.delta"));
        assert_eq!(said.thoughts, deltas("response.reasoning_summary_text.delta"));
        let arguments: String = said.calls.iter().map(|(.., a)| a.to_string()).collect();
        assert_eq!(arguments, deltas("response.function_call_arguments.delta"));
        let items = of("response.output_item.done");
        assert_eq!(items.len(), of("response.output_item.added").len());
        let done: Vec<_> = items.iter().map(|event| event["item"].clone()).collect();
        assert_eq!(json!(done), last["response"]["output"]);
        said
    },
    limited: ("/error/code", "rate_limit_exceeded"),
};

pub const MESSAGES: Vendor = Vendor {
    name: "anthropic",
    plain: "/v1/messages",
    stream: "/v1/messages",
    finishes: ["end_turn", "max_tokens", "tool_use"],
    thinks: (true, true),
    body: |prompt| {
        json!({
            "model": "m", "max_tokens": 1000, "messages": [{"role": "user", "content": prompt}],
        })
    },
    read: |answer| {
        let usage = &answer["usage"];
        let cache = ["cache_creation_input_tokens", "cache_read_input_tokens"];
        let cache: u64 = cache.iter().filter_map(|key| usage[*key].as_u64()).sum();
        let mut said = Said {
            finish: text(&answer["stop_reason"]),
            usage: pair(usage, "input_tokens", "output_tokens").map(|(i, o)| (i + cache, o)),
            ..Said::default()
        };
        for block in answer["content"].as_array().unwrap() {
            match block["type"].as_str().unwrap() {
                "text" => said.text += &text(&block["text"]),
                "thinking" => {
                    said.thoughts += &text(&block["thinking"]);
                    said.signature = Some(text(&block["signature"]));
                }
                _ => said.calls.push((
                    text(&block["id"]),
                    text(&block["name"]),
                    block["input"].clone(),
                )),
            }
        }
        said
    },
    gather: |events| {
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], *kinds.last().unwrap()), ("message_start", "message_stop"));
        let mut message = events[0]["message"].clone();
        let mut arguments = String::new();
        for event in &events[1..] {
            let last = message["content"].as_array().map_or(0, Vec::len).saturating_sub(1);
            let delta = &event["delta"];
            match event["type"].as_str().unwrap() {
                "content_block_start" => {
                    let content = message["content"].as_array_mut().unwrap();
                    assert_eq!(event["index"], content.len());
                    content.push(event["content_block"].clone());
                    arguments.clear();
                }
                "content_block_delta" => {
                    let block = &mut message["content"][last];
                    for (delta_key, key) in
                        [("text", "text"), ("thinking", "thinking"), ("signature", "signature")]
                    {
                        if let Some(more) = delta[delta_key].as_str() {
                            block[key] = json!(text(&block[key]) + more);
                        }
                    }
                    arguments += delta["partial_json"].as_str().unwrap_or_default();
                }
                "content_block_stop" if !arguments.is_empty() => {
                    message["content"][last]["input"] = parsed(&json!(arguments));
                }
                "message_delta" => {
                    message["stop_reason"] = delta["stop_reason"].clone();
                    message["usage"] = event["usage"].clone();
                }
                _ => {}
            }
        }
        (MESSAGES.read)(&message)
    },
    limited: ("/error/type", "rate_limit_error"),
};

pub const GEMINI: Vendor = Vendor {
    name: "gemini",
    plain: "/v1beta/models/m:generateContent",
    stream: "/v1beta/models/m:streamGenerateContent?alt=sse",
    finishes: ["STOP", "MAX_TOKENS", "STOP"],
    thinks: (true, true),
    body: |prompt| json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}),
    read: |answer| (GEMINI.gather)(std::slice::from_ref(answer)),
    gather: |events| {
        let mut said = Said::default();
        for event in events {
            let (candidate, usage) = (&event["candidates"][0], &event["usageMetadata"]);
            for part in candidate["content"]["parts"].as_array().unwrap() {
                if let Some(signature) = part["thoughtSignature"].as_str() {
                    said.signature = Some(signature.to_owned());
                }
                let call = &part["functionCall"];
                if call.is_object() {
                    said.calls.push((text(&call["id"]), text(&call["name"]), call["args"].clone()));
                } else if part["thought"] == true {
                    said.thoughts += &text(&part["text"]);
                } else {
                    said.text += &text(&part["text"]);
                }
            }
            said.finish = text(&candidate["finishReason"]);
            let thoughts = usage["thoughtsTokenCount"].as_u64().unwrap_or(0);
            said.usage = pair(usage, "promptTokenCount", "candidatesTokenCount")
                .map(|(input, output)| (input, output + thoughts));
        }
        said
    },
    limited: ("/error/status", "RESOURCE_EXHAUSTED"),
};

pub const CONVERSE: Vendor = Vendor {
    name: "bedrock",
    plain: "/model/m/converse",
    stream: "/model/m/converse-stream",
    finishes: ["end_turn", "max_tokens", "tool_use"],
    thinks: (true, true),
    body: |prompt| json!({"messages": [{"role": "user", "content": [{"text": prompt}]}]}),
    read: |answer| {
        let usage = &answer["usage"];
        let cache = ["cacheReadInputTokens", "cacheWriteInputTokens"];
        let cache: u64 = cache.iter().filter_map(|key| usage[*key].as_u64()).sum();
        let mut said = Said {
            finish: text(&answer["stopReason"]),
            usage: pair(usage, "inputTokens", "outputTokens").map(|(i, o)| (i + cache, o)),
            ..Said::default()
        };
        for block in answer["output"]["message"]["content"].as_array().unwrap() {
            let (thought, call) = (&block["reasoningContent"]["reasoningText"], &block["toolUse"]);
            if thought.is_object() {
                said.thoughts += &text(&thought["text"]);
                said.signature = Some(text(&thought["signature"]));
            } else if call.is_object() {
                let (id, name) = (text(&call["toolUseId"]), text(&call["name"]));
                said.calls.push((id, name, call["input"].clone()));
            } else {
                said.text += &text(&block["text"]);
            }
        }
        said
    },
    gather: |events| {
        let (mut said, mut arguments) = (Said::default(), String::new());
        let mut whole = json!({"output": {"message": {"content": []}}});
        for event in events {
            let delta = &event["delta"];
            said.text += &text(&delta["text"]);
            said.thoughts += &text(&delta["reasoningContent"]["text"]);
            if let Some(signature) = delta["reasoningContent"]["signature"].as_str() {
                said.signature = Some(signature.to_owned());
            }
            arguments += delta["toolUse"]["input"].as_str().unwrap_or_default();
            match event["event"].as_str().unwrap() {
                "contentBlockStart" => {
                    let call = &event["start"]["toolUse"];
                    let (id, name) = (text(&call["toolUseId"]), text(&call["name"]));
                    said.calls.push((id, name, Value::Null));
                    arguments.clear();
                }
                "contentBlockStop" if !arguments.is_empty() => {
                    said.calls.last_mut().unwrap().2 = parsed(&json!(arguments));
                }
                "messageStop" => whole["stopReason"] = event["stopReason"].clone(),
                "metadata" => whole["usage"] = event["usage"].clone(),
                _ => {}
            }
        }
        let end = (CONVERSE.read)(&whole);
        Said { finish: end.finish, usage: end.usage, ..said }
    },
    limited: ("/message", "429"),
};

pub const COHERE: Vendor = Vendor {
    name: "cohere",
    plain: "/v2/chat",
    stream: "/v2/chat",
    finishes: ["COMPLETE", "MAX_TOKENS", "TOOL_CALL"],
    thinks: (true, false),
    body: |prompt| json!({"model": "m", "messages": [{"role": "user", "content": prompt}]}),
    read: |answer| {
        let mut said = Said {
            finish: text(&answer["finish_reason"]),
            usage: pair(&answer["usage"]["tokens"], "input_tokens", "output_tokens"),
            ..Said::default()
        };
        for part in answer["message"]["content"].as_array().into_iter().flatten() {
            said.text += &text(&part["text"]);
            said.thoughts += &text(&part["thinking"]);
        }
        for call in answer["message"]["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            let (id, name) = (text(&call["id"]), text(&function["name"]));
            said.calls.push((id, name, parsed(&function["arguments"])));
        }
        said
    },
    gather: |events| {
        let (mut said, mut arguments) = (Said::default(), String::new());
        for event in events {
            let message = &event["delta"]["message"];
            said.text += &text(&message["content"]["text"]);
            said.thoughts += &text(&message["content"]["thinking"]);
            let call = &message["tool_calls"];
            match event["type"].as_str().unwrap() {
                "tool-call-start" => {
                    let (id, name) = (text(&call["id"]), text(&call["function"]["name"]));
                    said.calls.push((id, name, Value::Null));
                    arguments.clear();
                }
                "tool-call-delta" => arguments += &text(&call["function"]["arguments"]),
                "tool-call-end" => {
                    said.calls.last_mut().unwrap().2 = parsed(&json!(arguments));
                }
                "message-end" => {
                    let delta = &event["delta"];
                    said.finish = text(&delta["finish_reason"]);
                    said.usage = pair(&delta["usage"]["tokens"], "input_tokens", "output_tokens");
                }
                _ => {}
            }
        }
        said
    },
    limited: ("/message", "429"),
};

pub const OLLAMA: Vendor = Vendor {
    name: "ollama",
    plain: "/api/chat",
    stream: "/api/chat",
    finishes: ["stop", "length", "stop"],
    thinks: (true, false),
    body: |prompt| {
        let messages = json!([{"role": "user", "content": prompt}]);
        json!({"model": "m", "messages": messages, "stream": false})
    },
    read: |answer| gather_ollama(std::slice::from_ref(answer)),
    gather: gather_ollama,
    limited: ("/error", "429"),
};

/// An answer is a stream of one line.
fn gather_ollama(lines: &[Value]) -> Said {
    let mut said = Said::default();
    for line in lines {
        let message = &line["message"];
        said.text += &text(&message["content"]);
        said.thoughts += &text(&message["thinking"]);
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            let (id, name) = (text(&call["id"]), text(&function["name"]));
            said.calls.push((id, name, function["arguments"].clone()));
        }
        if line["done"] == true {
            said.finish = text(&line["done_reason"]);
            said.usage = pair(line, "prompt_eval_count", "eval_count");
        }
    }
    said
}

pub const ALL: [Vendor; 8] = [CHAT, RESPONSES, MESSAGES, GEMINI, CONVERSE, COHERE, WATSONX, OLLAMA];
