//! Streams that are written.

use super::super::{data, read_stream, write_stream};
use super::{as_events, end};
use crate::Wire;
use crate::neutral::{
    CallKind, Citation, Content, Delta, Event, Native, Part, Request, Stop, TokenChance, ToolCall,
    TopToken,
};
use serde_json::{Value, json};

/// Events and the type of each, with the parts that matter to an accumulating client checked: the
/// numbers, and that pieces add up to what is told when they are done.
pub(super) fn lifecycle(stream: &[u8]) -> Vec<String> {
    let mut kinds = Vec::new();
    let mut pieces = String::new();
    let mut response_id = None;
    for (number, event) in data(stream).into_iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
        let kind = event["type"].as_str().unwrap().to_owned();
        if let Some(id) = event["response"]["id"].as_str() {
            assert_eq!(response_id.get_or_insert(id.to_owned()), id);
        }
        if kind.ends_with(".delta") {
            pieces += event["delta"].as_str().unwrap();
        }
        for whole in ["text", "refusal", "arguments", "input"] {
            if kind.ends_with(".done") && event.get(whole).is_some() {
                assert_eq!(event[whole], std::mem::take(&mut pieces), "{event}");
            }
        }
        kinds.push(kind);
    }
    kinds
}

fn short(kinds: &[String]) -> Vec<&str> {
    kinds.iter().map(|kind| kind.strip_prefix("response.").unwrap_or(kind)).collect()
}

#[test]
fn a_stream_tells_the_life_of_each_item_as_the_vendor_does() {
    for name in ["stream", "tools", "parallel_tools", "reasoning", "structured"] {
        let golden = match name {
            "stream" => golden!("stream"),
            "tools" => golden!("tools"),
            "parallel_tools" => golden!("parallel_tools"),
            "reasoning" => golden!("reasoning"),
            _ => golden!("structured"),
        };
        let events = read_stream(golden);
        let written = write_stream(&events, &Request::default());
        assert_eq!(short(&lifecycle(&written)), short(&lifecycle(golden)), "{name}");
        assert_eq!(read_stream(&written), events, "{name}");
        let last = |stream| data(stream).pop().unwrap()["response"].take();
        let (ours, theirs) = (last(&written), last(golden));
        for field in ["status", "usage", "id", "model", "created_at"] {
            assert_eq!(ours[field], theirs[field], "{name}: {field}");
        }
    }
}

#[test]
fn refusals_images_and_custom_tools_have_events_of_their_own() {
    let custom = ToolCall {
        id: "c".into(),
        name: "shell".into(),
        input: "ls -l".into(),
        kind: CallKind::Custom,
    };
    let note = json!({"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2});
    let cited = Citation {
        url: Some("https://a".into()),
        title: Some("A".into()),
        quote: None,
        span: Some((0, 2)),
        native: Native { wire: Wire::Responses, value: note.clone() },
    };
    let mut events = as_events(&[
        Part::new(Content::Text { text: "It is".into(), citations: vec![cited] }),
        Part::new(Content::Refusal("No more.".into())),
        Part::new(Content::ToolCall(custom)),
    ]);
    let chance = TopToken { token: "It".into(), logprob: -0.5, bytes: Value::Null };
    let chances = vec![TokenChance { token: chance.clone(), top: vec![chance] }];
    events.insert(3, Event::Delta { block: 0, delta: Delta::Logprobs(chances) });
    events.insert(3, Event::Ping);
    events.extend(end(Stop::ToolUse));
    let written = write_stream(&events, &Request::default());
    assert_eq!(
        short(&lifecycle(&written)),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "content_part.added",
            "refusal.delta",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
            "completed",
        ]
    );
    let response = data(&written).pop().unwrap()["response"].take();
    let part = &response["output"][0]["content"][0];
    assert_eq!(part["annotations"], json!([note]));
    assert_eq!(part["logprobs"][0]["top_logprobs"][0]["token"], "It");
    assert_eq!(response["output"][1]["input"], "ls -l");
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let call = ToolCall {
        id: "c".into(),
        name: "f".into(),
        input: String::new(),
        kind: CallKind::Function,
    };
    let mut events = as_events(&[Part::new(Content::ToolCall(call))]);
    events.retain(|event| !matches!(event, Event::Delta { .. }));
    events.extend(end(Stop::ToolUse));
    let written = write_stream(&events, &Request::default());
    lifecycle(&written);
    let response = data(&written).pop().unwrap()["response"].take();
    assert_eq!(response["output"][0]["arguments"], "{}");
}

#[test]
fn a_stream_that_is_not_whole_says_why() {
    let mut events = as_events(&[Part::text("It is")]);
    events.extend(end(Stop::MaxTokens));
    let last = data(&write_stream(&events, &Request::default())).pop().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");

    let broken = Event::Error { kind: "overloaded_error".into(), message: "busy".into() };
    let events = [as_events(&[Part::text("It is")]), vec![broken.clone(), Event::End]].concat();
    let written = write_stream(&events, &Request::default());
    let kinds = lifecycle(&written);
    assert_eq!(short(&kinds)[kinds.len() - 2..], ["error", "failed"]);
    let failed = data(&written).pop().unwrap();
    assert_eq!(failed["response"]["error"]["message"], "busy");
    assert_eq!(failed["response"]["status"], "failed");
    // Before anything was said, the error stands alone.
    let kinds = lifecycle(&write_stream(&[broken], &Request::default()));
    assert_eq!(short(&kinds), ["error"]);
}
