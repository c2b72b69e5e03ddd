//! Voices, and what is listened to.

use super::{
    TRANSCRIBE, against, by_token, by_unit, offer, payloads, recording, speak, stack, transcribe,
    units,
};
use crate::support::Stack;
use crate::upstream::Upstream;
use contract::money::Nanos;
use contract::usage::{Operation, Outcome, Tokens};
use gateway::worker::Bounds;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_voice_passes_as_it_comes_and_its_characters_are_charged() {
    let stack = stack().await;
    let response = speak(&stack, "Grüß Gott 😀", json!({})).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "audio/wav");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let file = response.bytes().await.unwrap();
    assert!(file.starts_with(b"RIFF") && file.len() > 20_000);
    let event = stack.event().await;
    assert_eq!(event.units, units(0, 11, 0));
    assert_eq!(stack.sim.find(&id).unwrap().characters, 11);
    assert_eq!((event.cost_nanos, event.estimated), (Nanos(165_000), false));
    assert_eq!((event.operation, event.stream), (Operation::Speech, false));
}

#[tokio::test]
async fn a_voice_is_heard_before_it_is_whole() {
    let stack = stack().await;
    let mut response = speak(&stack, "A long text [[sim hang=end]]", json!({})).await;
    assert_eq!(response.status(), 200);
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"RIFF"));
    assert!(stack.sim.stats().running == 1);
    drop(response);
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status), (Outcome::ClientGone, 499));
    assert_eq!(event.units.characters, 28);
}

#[tokio::test]
async fn a_voice_that_is_cut_breaks_the_connection_and_is_never_a_whole_one() {
    let stack = stack().await;
    let response = speak(&stack, "A long text [[sim cut_after=2]]", json!({})).await;
    assert_eq!(response.status(), 200);
    let cut = response.bytes().await.unwrap_err();
    assert!(cut.is_body() || cut.is_decode(), "{cut:?}");
    let event = stack.event().await;
    assert_eq!(
        (event.outcome, event.error_code.as_deref()),
        (Outcome::UpstreamCut, Some("upstream.cut"))
    );
    assert_eq!(event.cost_nanos, Nanos(31 * 15_000));
}

#[tokio::test]
async fn a_silent_voice_breaks_off_too() {
    let bounds = Bounds { stream_idle_timeout: Duration::from_millis(200), ..Bounds::default() };
    let stack = Stack::with(|world| offer(world, by_unit()), bounds).await;
    let response = speak(&stack, "A long text [[sim hang=end]]", json!({})).await;
    assert!(response.bytes().await.is_err());
    assert_eq!(stack.event().await.error_code.as_deref(), Some("upstream.timeout"));
}

#[tokio::test]
async fn a_voice_as_events_tells_its_tokens() {
    let stack = Stack::of(|world| offer(world, by_token())).await;
    let response = speak(&stack, "Say hello", json!({"stream_format": "sse"})).await;
    let text = response.text().await.unwrap();
    assert_eq!(payloads(&text).last().unwrap()["type"], "speech.audio.done");
    let event = stack.event().await;
    assert_eq!((event.tokens.audio_output, event.units.characters), (9, 9));
    assert_eq!((event.stream, event.estimated), (true, false));
}

#[tokio::test]
async fn a_transcript_costs_what_was_listened_to_in_every_form_of_answer() {
    let stack = stack().await;
    for format in ["json", "verbose_json", "text", "srt", "vtt"] {
        let form = recording(TRANSCRIBE, 90_000).text("response_format", format);
        let response = transcribe(&stack, form).await;
        assert_eq!(response.status(), 200, "{format}");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let text = response.text().await.unwrap();
        assert!(text.contains("simulated"), "{text}");
        assert_eq!(kind.starts_with("application/json"), format.ends_with("json"), "{kind}");
    }
    let told: Vec<_> = stack
        .events(5)
        .await
        .iter()
        .map(|event| {
            assert_eq!(event.units, units(0, 0, 90_000));
            assert_eq!(event.cost_nanos, Nanos(9_000_000));
            assert_eq!(event.operation, Operation::Transcription);
            event.estimated
        })
        .collect();
    // Plain text and subtitles tell nothing: the file's header does.
    assert_eq!(told, [false, false, true, true, true]);
}

#[tokio::test]
async fn a_transcript_may_tell_tokens_a_length_nothing_or_a_stream() {
    let upstream = |body: &str| {
        let body = body.to_owned();
        async move { Upstream::always(200, "application/json", body).await }
    };
    let tokens = r#"{"text":"a","usage":{"type":"tokens","input_tokens":14,"output_tokens":3,
        "input_token_details":{"audio_tokens":10}}}"#;
    let provider = upstream(tokens).await;
    let stack = against(&provider, by_token()).await;
    assert_eq!(transcribe(&stack, recording(TRANSCRIBE, 500)).await.status(), 200);
    let event = stack.event().await;
    let expected = Tokens { input: 4, audio_input: 10, output: 3, ..Tokens::default() };
    assert_eq!((event.tokens, event.estimated), (expected, false));

    let provider = upstream(r#"{"text":"some text"}"#).await;
    let stack = against(&provider, by_token()).await;
    assert_eq!(transcribe(&stack, recording(TRANSCRIBE, 6_000)).await.status(), 200);
    let event = stack.event().await;
    assert_eq!((event.tokens.audio_input, event.estimated), (100, true));
    assert!(event.tokens.output > 0 && event.cost_nanos > Nanos::ZERO);

    let stack = self::stack().await;
    let form = recording(TRANSCRIBE, 2_000).text("stream", "true");
    let text = transcribe(&stack, form).await.text().await.unwrap();
    let said: String = payloads(&text).iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(payloads(&text).last().unwrap()["text"], said);
    let event = stack.event().await;
    assert_eq!((event.units.audio_ms, event.estimated, event.stream), (2_000, false, true));
}

#[tokio::test]
async fn a_stream_that_a_model_does_not_give_is_answered_as_it_comes() {
    let answer = r#"{"text":"whole","usage":{"type":"duration","seconds":3}}"#;
    let provider = Upstream::always(200, "application/json", answer).await;
    let stack = against(&provider, by_unit()).await;
    let form = recording(TRANSCRIBE, 2_000).text("stream", "true");
    assert_eq!(transcribe(&stack, form).await.text().await.unwrap(), answer);
    assert_eq!(stack.event().await.units.audio_ms, 3_000);
}

#[tokio::test]
async fn a_translation_is_a_transcription_at_an_address_of_its_own() {
    let stack = stack().await;
    let response = recording(TRANSCRIBE, 1_000).send(&stack, "/v1/audio/translations").await;
    assert_eq!(response.status(), 200);
    assert_eq!(stack.sim.last().path, "/v1/audio/translations");
    assert_eq!(stack.event().await.units.audio_ms, 1_000);
}
