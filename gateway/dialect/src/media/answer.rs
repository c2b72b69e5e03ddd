//! What a whole answer tells of its use.

use super::{Task, decimal, usage};
use crate::Reported;
use crate::convert::Malformed;
use crate::json::{self, Kind};
use contract::usage::Operation;

/// Reads an answer that must be JSON: what it reports, pictures as they are counted in it, and the
/// bytes of its text.
///
/// # Errors
/// [`Malformed`]: it is none, or pictures were asked for and none came.
pub fn read_answer(task: Task, body: &[u8]) -> Result<(Reported, u64), Malformed> {
    let operation = task.operation();
    let (mut told, mut text_bytes) = (Reported::NOTHING, 0);
    let (mut images, mut lasts, mut counted) = (None, None, None);
    json::walk_object(body, |member| {
        let raw = member.raw(body);
        match member.name(body).as_deref() {
            Some(b"usage") => (told.tokens, counted) = usage::read(raw, operation),
            Some(b"data") if member.kind == Kind::Array => images = Some(raw),
            Some(b"duration") => lasts = decimal::millis(raw),
            Some(b"text") => text_bytes = member.text_bytes,
            _ => {}
        }
    })
    .map_err(|error| Malformed(error.to_string().into()))?;
    match operation {
        Operation::Images => {
            let count = |_| told.units.images += 1;
            let walked = images.map(|list| json::walk_array(list, count));
            if !matches!(walked, Some(Ok(()))) || told.units.images == 0 {
                return Err(Malformed("pictures were asked for, and none came".into()));
            }
        }
        Operation::Transcription => told.units.audio_ms = counted.or(lasts).unwrap_or(0),
        _ => {}
    }
    Ok((told, text_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(task: Task, text: &str) -> Reported {
        read_answer(task, text.as_bytes()).unwrap().0
    }

    #[test]
    fn pictures_are_counted_whether_tokens_are_told_or_not() {
        let told = read(
            Task::Edit,
            r#"{"created":1,"data":[{"b64_json":"iVBORw0KGgo="},{"url":"https://x.test/a"}],
                "usage":{"input_tokens":1,"output_tokens":2}}"#,
        );
        assert_eq!(told.units.images, 2);
        assert_eq!(told.tokens.map(|tokens| tokens.image_output), Some(2));
        let told = read(Task::Generate, r#"{"data":[{"url":"x"}]}"#);
        assert_eq!((told.tokens, told.units.images), (None, 1));
        for none in ["{}", r#"{"data":[]}"#, r#"{"data":null}"#, "<html>", r#"{"data":[}"#] {
            assert!(read_answer(Task::Generate, none.as_bytes()).is_err(), "{none}");
        }
    }

    #[test]
    fn a_transcript_tells_tokens_or_a_length_and_its_usage_goes_first() {
        let ms = |text: &str| read(Task::Transcribe, text).units.audio_ms;
        assert_eq!(ms(r#"{"text":"a","usage":{"type":"duration","seconds":9}}"#), 9_000);
        assert_eq!(ms(r#"{"task":"transcribe","duration":8.4700003,"text":"a"}"#), 8_471);
        assert_eq!(ms(r#"{"duration":"8.47","usage":{"seconds":9}}"#), 9_000);
        assert_eq!(ms(r#"{"text":"a"}"#), 0);
        let text =
            r#"{"text":"abcdef","usage":{"type":"tokens","input_tokens":14,"output_tokens":2}}"#;
        let (told, text_bytes) = read_answer(Task::Transcribe, text.as_bytes()).unwrap();
        assert_eq!((told.tokens.map(|tokens| tokens.total()), told.units.audio_ms), (Some(16), 0));
        assert_eq!(text_bytes, 6);
    }
}
