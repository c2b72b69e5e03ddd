//! The usage that image, speech and transcription models report, in disjoint classes.
//!
//! | who | input | output |
//! |---|---|---|
//! | image models | `input_tokens`, with text and image tokens inside | image tokens, but for `text_tokens` named inside |
//! | speech models | text | audio tokens |
//! | transcription models | `input_tokens`, with text and audio tokens inside | text |
//! | Mistral's moderation and others | `prompt_tokens` | `completion_tokens` |
//!
//! Transcription may also be told as `{"type":"duration","seconds":…}`.

use super::decimal::millis;
use crate::json;
use contract::usage::{Operation, Tokens};

#[derive(Debug, Default)]
struct Usage {
    input: Option<u64>,
    output: Option<u64>,
    cached_input: u64,
    image_input: u64,
    audio_input: u64,
    text_output: u64,
    ms: Option<u64>,
}

/// What a `usage` object tells: tokens, or a length of time in milliseconds.
pub(super) fn read(raw: &[u8], operation: Operation) -> (Option<Tokens>, Option<u64>) {
    let mut usage = Usage::default();
    members(raw, |name, value| {
        let number = json::whole_number(value);
        match name {
            b"input_tokens" | b"prompt_tokens" => usage.input = number.or(usage.input),
            b"output_tokens" | b"completion_tokens" => usage.output = number.or(usage.output),
            b"input_tokens_details" | b"input_token_details" | b"prompt_tokens_details" => {
                usage.read_input(value);
            }
            b"output_tokens_details" | b"output_token_details" => {
                members(value, |name, value| {
                    if name == b"text_tokens" {
                        usage.text_output = json::whole_number(value).unwrap_or(0);
                    }
                });
            }
            b"seconds" => usage.ms = millis(value),
            _ => {}
        }
    });
    (usage.tokens(operation), usage.ms)
}

impl Usage {
    fn read_input(&mut self, raw: &[u8]) {
        members(raw, |name, value| {
            let count = json::whole_number(value).unwrap_or(0);
            match name {
                b"cached_tokens" => self.cached_input = count,
                b"image_tokens" => self.image_input = count,
                b"audio_tokens" => self.audio_input = count,
                _ => {}
            }
        });
    }

    /// `None` when neither input nor output is told; an explicit zero is a zero.
    fn tokens(&self, operation: Operation) -> Option<Tokens> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let (mut input, output) = (self.input.unwrap_or(0), self.output.unwrap_or(0));
        let mut take = |count: u64| {
            let taken = count.min(input);
            input -= taken;
            taken
        };
        let mut tokens = Tokens {
            cached_input: take(self.cached_input),
            image_input: take(self.image_input),
            audio_input: take(self.audio_input),
            ..Tokens::default()
        };
        tokens.input = input;
        match operation {
            Operation::Images => {
                tokens.output = self.text_output.min(output);
                tokens.image_output = output - tokens.output;
            }
            Operation::Speech => tokens.audio_output = output,
            _ => tokens.output = output,
        }
        Some(tokens)
    }
}

/// Shows the members of an object; of what is none, nothing.
fn members(raw: &[u8], mut show: impl FnMut(&[u8], &[u8])) {
    // The text around it was proved to be JSON; a value that is no object tells nothing.
    let walked = json::walk_object(raw, |member| {
        if let Some(name) = member.name(raw) {
            show(&name, member.raw(raw));
        }
    });
    walked.map(|_| ()).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str, operation: Operation) -> Option<Tokens> {
        read(text.as_bytes(), operation).0
    }

    #[test]
    fn each_kind_of_model_is_read_in_its_own_classes() {
        let image = tokens(
            r#"{"input_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40},
                "output_tokens":280,"output_tokens_details":{"text_tokens":8,"image_tokens":272},
                "total_tokens":330}"#,
            Operation::Images,
        );
        let expected = Tokens {
            input: 10,
            image_input: 40,
            output: 8,
            image_output: 272,
            ..Tokens::default()
        };
        assert_eq!(image, Some(expected));
        let heard = tokens(
            r#"{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},
                "output_tokens":45,"total_tokens":59}"#,
            Operation::Transcription,
        );
        let expected = Tokens { input: 4, audio_input: 10, output: 45, ..Tokens::default() };
        assert_eq!(heard, Some(expected));
        let spoken = tokens(r#"{"input_tokens":5,"output_tokens":60}"#, Operation::Speech);
        assert_eq!(spoken, Some(Tokens { input: 5, audio_output: 60, ..Tokens::default() }));
        let judged = tokens(r#"{"prompt_tokens":9,"completion_tokens":0}"#, Operation::Moderation);
        assert_eq!(judged, Some(Tokens { input: 9, ..Tokens::default() }));
    }

    #[test]
    fn a_length_of_time_is_no_tokens_and_nothing_is_unknown() {
        let raw = br#"{"type":"duration","seconds":9.25}"#;
        assert_eq!(read(raw, Operation::Transcription), (None, Some(9_250)));
        for none in ["null", "{}", "[]", "7", r#"{"input_tokens":-1}"#] {
            assert_eq!(read(none.as_bytes(), Operation::Images), (None, None), "{none}");
        }
        let zero = tokens(r#"{"input_tokens":0,"output_tokens":0}"#, Operation::Images);
        assert_eq!(zero, Some(Tokens::default()));
    }

    proptest! {
        #[test]
        fn the_classes_add_up_to_what_the_provider_counted(
            input in 0..1_000_000_u64, output in 0..1_000_000_u64, text in 0..2_000_000_u64,
            cached in 0..2_000_000_u64, image in 0..2_000_000_u64, audio in 0..2_000_000_u64,
        ) {
            let text = serde_json::json!({
                "input_tokens": input, "output_tokens": output,
                "input_tokens_details": {"cached_tokens": cached, "image_tokens": image, "audio_tokens": audio},
                "output_tokens_details": {"text_tokens": text},
            }).to_string();
            for operation in [Operation::Images, Operation::Speech, Operation::Transcription] {
                let tokens = tokens(&text, operation).unwrap();
                prop_assert_eq!((tokens.input_total(), tokens.output_total()), (input, output));
            }
        }
    }
}
