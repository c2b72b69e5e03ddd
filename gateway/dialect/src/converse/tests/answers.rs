//! What is understood of answers.

use super::*;

#[test]
fn an_answer_is_read_block_by_block() {
    let body = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "aGlk"}},
            {"text": "Hi"},
            {"citationsContent": {"content": [{"text": "Cited"}], "citations": [
                {"title": "T", "sourceContent": [{"text": "q"}],
                 "location": {"web": {"url": "https://x/", "domain": "x"}}}]}},
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {"b": 1, "a": 2.50}}},
            {"toolUse": {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use",
                         "input": {}}},
            {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
            {"brandNew": {"x": 1}},
        ]}},
        "stopReason": "stop_sequence",
        "additionalModelResponseFields": {"stop_sequence": "END"},
        "usage": {"inputTokens": 20, "outputTokens": 12, "totalTokens": 37,
                  "cacheReadInputTokens": 5},
        "serviceTier": {"type": "flex"},
    });
    let text = body.to_string().replace("2.5", "2.50");
    let answer = Converse.read_answer(text.as_bytes()).unwrap();
    let candidate = &answer.candidates[0];
    let parts = &candidate.parts;
    assert_eq!(parts[0], signed("Hm.", Wire::Converse));
    assert_eq!(parts[1].signature.as_ref().unwrap().value, "aGlk");
    assert_eq!(parts[2], Part::text("Hi"));
    let Content::Text { text, citations } = &parts[3].content else { panic!("{:?}", parts[3]) };
    assert_eq!((text.as_str(), citations[0].span), ("Cited", Some((0, 5))));
    assert_eq!(citations[0].url.as_deref(), Some("https://x/"));
    assert_eq!(citations[0].quote.as_deref(), Some("q"));
    // The input is as the model wrote it, digits and order kept.
    let Content::ToolCall(call) = &parts[4].content else { panic!("{:?}", parts[4]) };
    assert_eq!(call.input, r#"{"b":1,"a":2.50}"#);
    assert!(matches!(&parts[5].content, Content::Native(_)));
    assert!(matches!(&parts[6].content, Content::Image(m) if m.media_type == "image/png"));
    assert!(matches!(&parts[7].content, Content::Native(n) if n.value["brandNew"]["x"] == 1));
    assert_eq!(candidate.stop, Stop::Sequence(Some("END".to_owned())));
    let tokens = answer.tokens.unwrap();
    assert_eq!((tokens.input, tokens.cached_input, tokens.output), (20, 5, 12));
    assert_eq!(answer.service_tier.as_deref(), Some("flex"));

    // What was read goes back as it was.
    let turn = Turn::new(Role::Assistant, answer.candidates[0].parts.clone());
    let (sent, lost) = write(&asked(vec![user("?"), turn, user("!")]), CLAUDE).unwrap();
    assert_eq!(sent["messages"][1]["content"], body["output"]["message"]["content"]);
    assert_eq!(lost, "");
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in
        ["", "<html>", "{}", "[]", r#"{"output":{}}"#, r#"{"output":{"message":{"content":5}}}"#]
    {
        assert!(Converse.read_answer(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn every_reason_to_stop_is_known() {
    for (word, calls, stop) in [
        ("end_turn", false, Stop::End),
        ("tool_use", true, Stop::ToolUse),
        ("tool_use", false, Stop::End),
        ("max_tokens", true, Stop::MaxTokens),
        ("stop_sequence", false, Stop::Sequence(None)),
        ("guardrail_intervened", false, Stop::Filtered),
        ("content_filtered", false, Stop::Filtered),
        ("model_context_window_exceeded", false, Stop::ContextFull),
        ("malformed_tool_use", false, Stop::Other("malformed_tool_use".to_owned())),
    ] {
        assert_eq!(answer::stop(word, None, calls), stop, "{word}");
    }
}
