use super::*;
use crate::convert::Pass as _;
use crate::neutral::{Content, Part, Role, Turn};
use proptest::prelude::*;
use serde_json::json;

/// Text that is JSON of nearly the right shape.
fn nearly() -> impl Strategy<Value = Value> {
    const NAMES: &str = "contents|parts|text|thought|thoughtSignature|functionCall|functionResponse|\
        name|args|id|response|inlineData|mimeType|data|fileData|fileUri|role|tools|\
        functionDeclarations|parameters|generationConfig|thinkingConfig|thinkingBudget|toolConfig|\
        candidates|content|finishReason|index|usageMetadata|promptTokenCount|error|groundingMetadata|\
        groundingChunks|groundingSupports|segment|startIndex|logprobsResult|chosenCandidates|\
        systemInstruction|promptFeedback|system_instruction|mediaResolution|videoMetadata";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9+/=_-]{0,8}".prop_map(Value::from),
        Just(json!("model")),
        Just(json!("STOP")),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((NAMES, inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn everything(bytes: &[u8]) {
    if let Ok(request) = read(bytes) {
        for model in ["gemini-1.5-pro", "gemini-2.5-flash", "gemini-3-pro"] {
            let _ = write(&request, model);
        }
    }
    if let Ok(answer) = Gemini.read_answer(bytes) {
        answer_json(&answer);
    }
    let mut reader = Gemini.stream_reader();
    let mut events = Vec::new();
    let framed = [b"data: ".as_slice(), bytes, b"\n\n"].concat();
    for event in [bytes, &framed] {
        let _ = reader.read(event, &mut events);
        Gemini.watch().see(event);
    }
    reader.close(&mut events);
    write_stream(&events);
    let _ = Gemini.read_usage(bytes);
    Gemini.read_error(400, bytes);
    let _ = crate::gemini::read_count_answer(bytes);
    let at = crate::convert::Address::default();
    let _ = crate::gemini::read_count_request(bytes, &at);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        everything(&bytes);
    }

    #[test]
    fn no_json_of_nearly_the_right_shape_makes_it_panic(value in nearly()) {
        everything(value.to_string().as_bytes());
        let nested = json!({"contents": [{"parts": [value.clone()]}], "tools": [value.clone()],
            "generationConfig": value.clone(), "candidates": [{"content": {"parts": [value]}}]});
        everything(nested.to_string().as_bytes());
    }

    #[test]
    fn a_conversation_read_and_written_stays_the_same(
        parts in proptest::collection::vec(part(), 1..8),
        model in prop_oneof![Just("gemini-2.5-flash"), Just("gemini-3-flash")],
    ) {
        let contents: Vec<Value> = parts
            .into_iter()
            .map(|(role, part)| json!({"role": role, "parts": [part]}))
            .collect();
        let body = json!({"contents": contents}).to_string();
        let request = read(body).unwrap();
        let (written, _) = write(&request, model).unwrap();
        let again = read(written.to_string()).unwrap();
        prop_assert_eq!(flat(&again.turns), flat(&request.turns));
    }
}

/// What is said, whoever's turn holds it: neighbours of one role are one turn to Gemini, empty texts
/// are nothing, and that a call is not signed is said by a word.
fn flat(turns: &[Turn]) -> Vec<(Role, Part)> {
    let nothing = [Part::text(""), Part::new(Content::Thinking(String::new()))];
    let said =
        turns.iter().flat_map(|turn| turn.parts.iter().map(|part| (turn.role, part.clone())));
    said.filter(|(_, part)| !nothing.contains(part))
        .map(|(role, mut part)| {
            part.signature =
                part.signature.filter(|s| s.value != "skip_thought_signature_validator");
            (role, part)
        })
        .collect()
}

/// A part and who says it. A signature without thoughts belongs to the call after it, which has a
/// test of its own.
fn part() -> impl Strategy<Value = (&'static str, Value)> {
    let text = "[a-z {}\"\\\\]{1,6}";
    let sign = || prop_oneof![Just(None), "[A-Za-z0-9+/]{4}".prop_map(Some)];
    let signed = |(mut part, sign): (Value, Option<String>)| {
        if let Some(sign) = sign {
            part["thoughtSignature"] = sign.into();
        }
        ("model", part)
    };
    prop_oneof![
        text.prop_map(|text| ("user", json!({"text": text}))),
        (text.prop_map(|text| json!({"text": text})), sign()).prop_map(signed),
        ("[a-z]{1,6}".prop_map(|text| json!({"text": text, "thought": true})), sign())
            .prop_map(signed),
        (
            (text, 0..3).prop_map(|(text, n)| json!({"functionCall":
            {"name": format!("f{n}"), "args": {"a": text}}})),
            sign()
        )
            .prop_map(signed),
        (text, 0..3).prop_map(|(text, n)| (
            "user",
            json!({"functionResponse":
            {"name": format!("f{n}"), "response": {"output": text}}})
        )),
        Just(("user", json!({"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}))),
        Just(("user", json!({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/c.mp4"}}))),
    ]
}
