//! What is asked of each vendor: a stream, tools, and how a conversation goes on.

use super::{Said, Vendor, schema};
use serde_json::{Value, json};

impl Vendor {
    /// Adds what asks for a stream, where that stands in the body.
    pub fn streamed(&self, body: &Value) -> Value {
        let mut body = body.clone();
        if self.plain == self.stream {
            body["stream"] = json!(true);
        }
        body
    }

    /// `body` with the tool `get_weather`.
    pub fn with_tool(&self, mut body: Value) -> Value {
        let name = "get_weather";
        match self.name {
            "openai_responses" => {
                body["tools"] = json!([{"type": "function", "name": name, "parameters": schema()}]);
            }
            "anthropic" => body["tools"] = json!([{"name": name, "input_schema": schema()}]),
            "gemini" => {
                let function = json!({"name": name, "parametersJsonSchema": schema()});
                body["tools"] = json!([{"functionDeclarations": [function]}]);
            }
            "bedrock" => {
                let spec = json!({"name": name, "inputSchema": {"json": schema()}});
                body["toolConfig"] = json!({"tools": [{"toolSpec": spec}]});
            }
            _ => {
                let function = json!({"name": name, "parameters": schema()});
                body["tools"] = json!([{"type": "function", "function": function}]);
            }
        }
        body
    }

    /// `body` that asks for an object of the schema.
    pub fn shaped(&self, mut body: Value) -> Value {
        match self.name {
            "openai_chat" | "watsonx" => {
                let named = json!({"name": "weather", "schema": schema(), "strict": true});
                body["response_format"] = json!({"type": "json_schema", "json_schema": named});
            }
            "openai_responses" => {
                let format = json!({"type": "json_schema", "name": "weather", "schema": schema()});
                body["text"] = json!({"format": format});
            }
            "anthropic" => {
                let format = json!({"type": "json_schema", "schema": schema()});
                body["output_config"] = json!({"format": format});
            }
            "gemini" => {
                body["generationConfig"] = json!({
                    "responseMimeType": "application/json", "responseJsonSchema": schema(),
                });
            }
            "bedrock" => {
                let schema = json!({"schema": schema().to_string(), "name": "weather"});
                let structure = json!({"jsonSchema": schema});
                let format = json!({"type": "json_schema", "structure": structure});
                body["outputConfig"] = json!({"textFormat": format});
            }
            "ollama" => body["format"] = schema(),
            _ => {
                body["response_format"] = json!({"type": "json_object", "json_schema": schema()});
            }
        }
        body
    }

    /// `body` with at most `most` tokens of output.
    pub fn capped(&self, mut body: Value, most: u64) -> Value {
        match self.name {
            "openai_responses" => body["max_output_tokens"] = json!(most),
            "gemini" => body["generationConfig"] = json!({"maxOutputTokens": most}),
            "ollama" => body["options"] = json!({"num_predict": most}),
            "bedrock" => body["inferenceConfig"] = json!({"maxTokens": most}),
            _ => body["max_tokens"] = json!(most),
        }
        body
    }

    /// `body` with the answer `said` and what the tool gave for each of its calls, as a caller
    /// sends them back.
    pub fn next_turn(&self, mut body: Value, said: &Said, result: &str) -> Value {
        let result = json!(result);
        let (key, turns) = match self.name {
            "openai_responses" => {
                let prompt = body["input"].take();
                body["input"] = json!([{"role": "user", "content": prompt}]);
                ("input", responses_turns(said, &result))
            }
            "anthropic" => ("messages", messages_turns(said, &result)),
            "gemini" => ("contents", gemini_turns(said, &result)),
            "bedrock" => ("messages", converse_turns(said, &result)),
            "ollama" => ("messages", ollama_turns(said, &result)),
            _ => ("messages", chat_turns(said, &result)),
        };
        body[key].as_array_mut().unwrap().extend(turns);
        body
    }
}

fn each(said: &Said, turn: impl Fn(&str, &str, &Value) -> Value) -> Vec<Value> {
    said.calls.iter().map(|(id, name, arguments)| turn(id, name, arguments)).collect()
}

fn ollama_turns(said: &Said, result: &Value) -> Vec<Value> {
    let used = each(
        said,
        |_, name, arguments| json!({"function": {"name": name, "arguments": arguments}}),
    );
    let results =
        each(said, |_, name, _| json!({"role": "tool", "tool_name": name, "content": result}));
    [vec![json!({"role": "assistant", "content": "", "tool_calls": used})], results].concat()
}

fn chat_turns(said: &Said, result: &Value) -> Vec<Value> {
    let used = each(said, |id, name, arguments| {
        let function = json!({"name": name, "arguments": arguments.to_string()});
        json!({"id": id, "type": "function", "function": function})
    });
    let results =
        each(said, |id, _, _| json!({"role": "tool", "tool_call_id": id, "content": result}));
    [vec![json!({"role": "assistant", "tool_calls": used})], results].concat()
}

fn responses_turns(said: &Said, result: &Value) -> Vec<Value> {
    let sealed = said.signature.iter().map(|sealed| {
        json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": sealed})
    });
    let used = each(said, |id, name, arguments| {
        let arguments = arguments.to_string();
        json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
    });
    let results = each(
        said,
        |id, _, _| json!({"type": "function_call_output", "call_id": id, "output": result}),
    );
    [sealed.collect(), used, results].concat()
}

fn messages_turns(said: &Said, result: &Value) -> Vec<Value> {
    let thought = said.signature.iter().map(
        |signature| json!({"type": "thinking", "thinking": said.thoughts, "signature": signature}),
    );
    let used = each(
        said,
        |id, name, arguments| json!({"type": "tool_use", "id": id, "name": name, "input": arguments}),
    );
    let results =
        each(said, |id, _, _| json!({"type": "tool_result", "tool_use_id": id, "content": result}));
    let content: Vec<_> = thought.chain(used).collect();
    vec![
        json!({"role": "assistant", "content": content}),
        json!({"role": "user", "content": results}),
    ]
}

fn gemini_turns(said: &Said, result: &Value) -> Vec<Value> {
    let mut used = each(
        said,
        |id, name, arguments| json!({"functionCall": {"id": id, "name": name, "args": arguments}}),
    );
    if let Some(signature) = &said.signature {
        used[0]["thoughtSignature"] = json!(signature);
    }
    let results = each(
        said,
        |id, name, _| json!({"functionResponse": {"id": id, "name": name, "response": {"result": result}}}),
    );
    vec![json!({"role": "model", "parts": used}), json!({"role": "user", "parts": results})]
}

fn converse_turns(said: &Said, result: &Value) -> Vec<Value> {
    let thought = said.signature.iter().map(|signature| {
        let text = json!({"text": said.thoughts, "signature": signature});
        json!({"reasoningContent": {"reasoningText": text}})
    });
    let used = each(
        said,
        |id, name, arguments| json!({"toolUse": {"toolUseId": id, "name": name, "input": arguments}}),
    );
    let results = each(
        said,
        |id, _, _| json!({"toolResult": {"toolUseId": id, "content": [{"text": result}]}}),
    );
    let content: Vec<_> = thought.chain(used).collect();
    vec![
        json!({"role": "assistant", "content": content}),
        json!({"role": "user", "content": results}),
    ]
}
