//! Watches the streams of image, speech and transcription models: events of their own types, of
//! which the last tells the usage.

use super::{Task, usage};
use crate::convert::{Seen, WatchStream};
use crate::{Reported, json, sse};
use contract::usage::{Operation, Tokens, Units};

/// An observer of one stream.
#[derive(Debug)]
pub struct Watcher {
    operation: Operation,
    /// Pictures asked for, and those that have come.
    wanted: u64,
    made: u64,
    /// An unfinished picture has come since the last whole one.
    begun: bool,
    tokens: Option<Tokens>,
    audio_ms: Option<u64>,
    may_end: bool,
}

impl Watcher {
    /// Of a stream that is to give so many pictures.
    #[must_use]
    pub const fn new(task: Task, images: u64) -> Self {
        Self {
            operation: task.operation(),
            wanted: images,
            made: 0,
            begun: false,
            tokens: None,
            audio_ms: None,
            may_end: false,
        }
    }

    fn note(&mut self, raw: &[u8]) {
        let (tokens, ms) = usage::read(raw, self.operation);
        // Each picture comes with its own.
        self.tokens = match (self.tokens, tokens) {
            (Some(before), Some(now)) if self.operation == Operation::Images => {
                Some(sum(before, now))
            }
            (before, now) => now.or(before),
        };
        self.audio_ms = ms.or(self.audio_ms);
    }
}

impl WatchStream for Watcher {
    fn see(&mut self, event: &[u8]) -> Seen {
        let Some(data) = sse::data(event) else { return Seen::Silent };
        let data = data.trim_ascii();
        let (mut kind, mut used, mut error) = (&b""[..], None, false);
        let walked = json::walk_object(data, |member| {
            let raw = data.get(member.value.clone()).unwrap_or_default();
            match member.name(data).as_deref() {
                Some(b"type") => kind = raw,
                Some(b"usage") => used = Some(raw),
                Some(b"error") => error = member.kind != json::Kind::Null,
                _ => {}
            }
        });
        if walked.is_err() {
            return if data == b"[DONE]" { Seen::Done } else { Seen::Malformed };
        }
        if error || kind == b"\"error\"" {
            return Seen::Error;
        }
        if let Some(used) = used {
            self.note(used);
        }
        match kind {
            b"\"image_generation.partial_image\"" | b"\"image_edit.partial_image\"" => {
                self.begun = true;
                Seen::Chunk { content: true }
            }
            b"\"image_generation.completed\"" | b"\"image_edit.completed\"" => {
                (self.made, self.begun, self.may_end) = (self.made + 1, false, true);
                if self.made < self.wanted { Seen::Chunk { content: true } } else { Seen::Done }
            }
            b"\"speech.audio.done\"" | b"\"transcript.text.done\"" => Seen::Done,
            b"\"speech.audio.delta\""
            | b"\"transcript.text.delta\""
            | b"\"transcript.text.segment\"" => Seen::Chunk { content: true },
            // Of OpenAI's kin some stream transcripts as they do conversations, without types.
            b"" => Seen::Chunk { content: true },
            // Newer than this program: the caller's SDK may know it.
            _ => Seen::Chunk { content: false },
        }
    }

    fn reported(&self) -> Reported {
        let units = Units {
            images: self.made + u64::from(self.begun),
            audio_ms: self.audio_ms.unwrap_or(0),
            ..Units::default()
        };
        Reported { tokens: self.tokens, units }
    }

    fn may_end(&self) -> bool {
        self.may_end
    }
}

/// Classes that image models tell.
fn sum(a: Tokens, b: Tokens) -> Tokens {
    Tokens {
        input: a.input.saturating_add(b.input),
        cached_input: a.cached_input.saturating_add(b.cached_input),
        image_input: a.image_input.saturating_add(b.image_input),
        output: a.output.saturating_add(b.output),
        image_output: a.image_output.saturating_add(b.image_output),
        ..a
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(watcher: &mut Watcher, data: &str) -> Seen {
        watcher.see(format!("event: x\ndata: {data}\n\n").as_bytes())
    }

    const CONTENT: Seen = Seen::Chunk { content: true };

    #[test]
    fn a_stream_of_pictures_is_whole_with_the_last_of_them_and_each_tells_its_own_use() {
        let mut watcher = Watcher::new(Task::Generate, 2);
        let partial = r#"{"type":"image_generation.partial_image","b64_json":"AA"}"#;
        let whole = r#"{"type":"image_generation.completed","b64_json":"AA",
            "usage":{"input_tokens":5,"output_tokens":272}}"#
            .replace('\n', " ");
        assert_eq!(watcher.reported(), Reported::NOTHING);
        assert_eq!(see(&mut watcher, partial), CONTENT);
        assert_eq!(watcher.reported().units.images, 1);
        assert!(!watcher.may_end());
        assert_eq!(see(&mut watcher, &whole), CONTENT);
        assert_eq!((watcher.reported().units.images, watcher.may_end()), (1, true));
        assert_eq!(see(&mut watcher, &whole), Seen::Done);
        let tokens = watcher.reported().tokens.unwrap();
        assert_eq!((tokens.input, tokens.image_output), (10, 544));
    }

    #[test]
    fn speech_and_transcripts_end_with_the_event_that_tells_their_use() {
        let mut watcher = Watcher::new(Task::Transcribe, 0);
        assert_eq!(see(&mut watcher, r#"{"type":"transcript.text.delta","delta":"a"}"#), CONTENT);
        assert_eq!(watcher.reported(), Reported::NOTHING);
        let done =
            r#"{"type":"transcript.text.done","text":"a","usage":{"type":"duration","seconds":2}}"#;
        assert_eq!(see(&mut watcher, done), Seen::Done);
        assert_eq!(watcher.reported().units.audio_ms, 2_000);
        let mut watcher = Watcher::new(Task::Speak, 0);
        assert_eq!(see(&mut watcher, r#"{"type":"speech.audio.delta","audio":"AA"}"#), CONTENT);
        let done = r#"{"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":9}}"#;
        assert_eq!(see(&mut watcher, done), Seen::Done);
        assert_eq!(watcher.reported().tokens.map(|tokens| tokens.audio_output), Some(9));
    }

    #[test]
    fn what_is_new_passes_what_is_broken_does_not_and_an_error_ends_it() {
        let mut watcher = Watcher::new(Task::Edit, 1);
        for (data, seen) in [
            (r#"{"type":"image_edit.thinking"}"#, Seen::Chunk { content: false }),
            (r#"{"choices":[{"delta":{"content":"a"}}]}"#, CONTENT),
            ("{\"type\":", Seen::Malformed),
            ("[DONE]", Seen::Done),
            (r#"{"type":"error","error":{"message":"no"}}"#, Seen::Error),
            (r#"{"error":{"message":"no"}}"#, Seen::Error),
        ] {
            assert_eq!(see(&mut watcher, data), seen, "{data}");
        }
        assert_eq!(watcher.see(b": keep-alive\n\n"), Seen::Silent);
        assert!(!watcher.may_end());
    }
}
