//! What is refused and what is not, a body each.

use super::*;

#[test]
fn a_call_may_not_rest_on_what_the_provider_keeps() {
    for (wire, body, field) in [
        (Wire::Responses, r#"{"previous_response_id":"resp_1"}"#, "previous_response_id"),
        (Wire::Responses, r#"{"conversation":{"id":"conv_1"}}"#, "conversation"),
        (Wire::Responses, r#"{"convers\u0061tion":"conv_1"}"#, "conversation"),
        (Wire::Responses, r#"{"background":true}"#, "background"),
        (Wire::Responses, r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#, "input"),
        (Wire::Messages, r#"{"container":"container_1"}"#, "container"),
        (Wire::Messages, r#"{"container":{"id":"container_1","skills":[]}}"#, "container"),
        (Wire::Gemini, r#"{"cachedContent":"cachedContents/1"}"#, "cachedContent"),
        (Wire::Gemini, r#"{"cached_content":"cachedContents/1"}"#, "cachedContent"),
        (
            Wire::Gemini,
            r#"{"generateContentRequest":{"cachedContent":"cachedContents/1"}}"#,
            "cachedContent",
        ),
        (Wire::Cohere, r#"{"conversation_id":"c-1"}"#, "conversation_id"),
        (Wire::Cohere, r#"{"connectors":[{"id":"web-search"}]}"#, "connectors"),
    ] {
        let refused = refuse(wire, body.as_bytes()).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some(field), "{body}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_only_the_shared_account_gives_a_meaning_is_refused_at_its_place() {
    for (wire, body, field) in [
        (
            Wire::Chat,
            r#"{"messages":[{},{"content":[{"type":"text"},{"type":"file","file":{"file_id":"file-1"}}]}]}"#,
            "messages[1].content[1].file.file_id",
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"content":[{"file_id":"f"}]}]}"#,
            "messages[0].content[0].file_id",
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"content":[{"f\u0069le_id":"f"}]}]}"#,
            "messages[0].content[0].file_id",
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"content":[{"file_id":"f","file_id":null}]}]}"#,
            "messages[0].content[0].file_id",
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}"#,
            "messages[0].audio.id",
        ),
        (Wire::Chat, r#"{"data_sources":[{"type":"azure_search"}]}"#, "data_sources"),
        (Wire::Chat, r#"{"plugins":[{"id":"web"}]}"#, "plugins"),
        (
            Wire::Responses,
            r#"{"input":[{"content":[{"type":"input_file","file_id":"file-1"}]}]}"#,
            "input[0].content[0].file_id",
        ),
        (
            Wire::Responses,
            r#"{"input":[{"type":"function_call_output","output":[{"type":"input_image","file_id":"f"}]}]}"#,
            "input[0].output[0].file_id",
        ),
        (
            Wire::Responses,
            r#"{"tools":[{"vector_store_ids":["vs_1"],"type":"file_search"}]}"#,
            "tools[0].vector_store_ids",
        ),
        (Wire::Responses, r#"{"tools":[{"type":"file_search"}]}"#, "tools[0].type"),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}"#,
            "tools[0].type",
        ),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"shell","environment":{"type":"container_reference"}}]}"#,
            "tools[0].environment.type",
        ),
        (
            Wire::Responses,
            r#"{"input":[{"type":"code_interpreter_call","container_id":"cntr_1"}]}"#,
            "input[0].container_id",
        ),
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"tool_result","content":[{"source":{"type":"file","file_id":"f"}}]}]}]}"#,
            "messages[0].content[0].content[0].source.file_id",
        ),
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"container_upload","file_id":"f"}]}]}"#,
            "messages[0].content[0].file_id",
        ),
        (Wire::Messages, r#"{"tools":[{"type":"code_execution_20250825"}]}"#, "tools[0].type"),
        (
            Wire::Gemini,
            r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/a"}}]}]}"#,
            "contents[0].parts[0].fileData.fileUri",
        ),
        (
            Wire::Gemini,
            r#"{"contents":[{"parts":[{"fileData":{"fileUri":"GS://bucket/files/a"}}]}]}"#,
            "contents[0].parts[0].fileData.fileUri",
        ),
        (
            Wire::Gemini,
            r#"{"contents":[{"parts":[{"file_data":{"file_uri":"HTTPS://x@GenerativeLanguage.googleapis.com./files/a"}}]}]}"#,
            "contents[0].parts[0].file_data.file_uri",
        ),
        (
            Wire::Gemini,
            r#"{"systemInstruction":{"parts":[{"fileData":{"fileUri":"files/a"}}]}}"#,
            "systemInstruction.parts[0].fileData.fileUri",
        ),
        (
            Wire::Converse,
            r#"{"messages":[{"content":[{"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/k"}}}}]}]}"#,
            "messages[0].content[0].image.source.s3Location",
        ),
        (Wire::Converse, r#"{"guardrailConfig":{"guardrailIdentifier":"g"}}"#, "guardrailConfig"),
        (
            Wire::Converse,
            r#"{"toolConfig":{"tools":[{"systemTool":{"name":"nova_grounding"}}]}}"#,
            "toolConfig.tools[0].systemTool",
        ),
        (
            Wire::Gemini,
            r#"{"tools":[{"fileSearch":{"fileSearchStoreNames":["x"]}}]}"#,
            "tools[0].fileSearch",
        ),
        (
            Wire::Gemini,
            r#"{"tools":[{},{"retrieval":{"vertexRagStore":{}}}]}"#,
            "tools[1].retrieval",
        ),
    ] {
        let refused = refuse(wire, body.as_bytes()).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some(field), "{body}");
        assert!(refused.detail.contains(field), "{body}");
    }
}

#[test]
fn inline_data_public_addresses_and_a_callers_own_data_go_on() {
    for (wire, body) in [
        (
            Wire::Chat,
            r#"{"messages":[{"content":[{"file":{"file_data":"data:application/pdf;base64,aGk="}}]}]}"#,
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"content":"say \"file_id\": \"x\""}],"audio":{"voice":"alloy","id":"x"}}"#,
        ),
        (
            Wire::Chat,
            r#"{"tools":[{"type":"function","function":{"name":"file_search","parameters":{"properties":{"x":{"default":{"file_id":"f"}}}}}}]}"#,
        ),
        (
            Wire::Chat,
            r#"{"messages":[{"content":[{"file_id":null}]}],"metadata":{"file_id":"mine"}}"#,
        ),
        (
            Wire::Responses,
            r#"{"input":[{"content":[{"type":"input_file","file_url":"https://a.example/b.pdf"}]}]}"#,
        ),
        (
            Wire::Responses,
            r#"{"tools":[{"type":"web_search"},{"type":"shell","environment":{"type":"local"}}]}"#,
        ),
        (
            Wire::Messages,
            r#"{"messages":[{"content":[{"type":"tool_use","input":{"file_id":"mine"}},{"source":{"type":"url","url":"https://a.example"}}]}]}"#,
        ),
        (Wire::Messages, r#"{"tools":[{"type":"web_search_20250305"},{"name":"code_execution"}]}"#),
        (
            Wire::Gemini,
            r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}},{"functionCall":{"args":{"fileUri":"files/a"}}}]}]}"#,
        ),
        (Wire::Gemini, r#"{"tools":[{"googleSearch":{}},{"codeExecution":{}},{"urlContext":{}}]}"#),
    ] {
        assert_eq!(refuse(wire, body.as_bytes()), Ok(()), "{body}");
    }
}

#[test]
fn a_body_that_cannot_be_looked_through_is_refused_and_not_let_through() {
    let deep = format!(r#"{{"x":{}"file_id"{}}}"#, "[".repeat(200), "]".repeat(200));
    assert!(refuse(Wire::Chat, deep.as_bytes()).is_err());
}

#[test]
fn a_call_that_only_looks_like_it_goes_on() {
    for (wire, body) in [
        (
            Wire::Responses,
            r#"{"previous_response_id":null,"background":false,"input":"item_reference"}"#,
        ),
        (Wire::Messages, r#"{"container":null,"messages":[{"container":"x"}]}"#),
        (Wire::Messages, r#"{"container":{"skills":[{"skill_id":"pdf"}]}}"#),
        (Wire::Gemini, r#"{"cachedContent":null}"#),
        (Wire::Cohere, r#"{"conversation_id":null,"connectors":[],"documents":[{"id":"1"}]}"#),
        (Wire::Chat, r#"{"conversation":"x","container":"x"}"#),
    ] {
        assert_eq!(refuse(wire, body.as_bytes()), Ok(()), "{body}");
    }
}
