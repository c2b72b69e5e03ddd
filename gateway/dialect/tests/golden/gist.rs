//! What of an answer must survive any translation, and the answer that a stream adds up to.

use dialect::neutral::{Answer, Candidate, Content, Delta, Event, Part, Signature, Stop, ToolCall};

/// What a reader of any dialect must find: text, calls, reasoning, why it ended, what it used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gist {
    pub text: String,
    pub thinking: String,
    /// Name and input, the input as a JSON value where it is one: whitespace means nothing.
    pub calls: Vec<(String, String)>,
    pub stop: Option<Stop>,
    pub input_total: u64,
    pub output_total: u64,
    pub signatures: Vec<String>,
}

impl Gist {
    pub fn of(answer: &Answer) -> Self {
        let mut gist = Self::default();
        let tokens = answer.tokens.unwrap_or_default();
        (gist.input_total, gist.output_total) = (tokens.input_total(), tokens.output_total());
        let Some(candidate) = answer.candidates.first() else { return gist };
        gist.stop = Some(candidate.stop.clone());
        for part in &candidate.parts {
            gist.add(part);
        }
        gist
    }

    fn add(&mut self, part: &Part) {
        match &part.content {
            Content::Text { text, .. } | Content::Refusal(text) => self.text += text,
            Content::Thinking(text) => self.thinking += text,
            Content::ToolCall(ToolCall { name, input, .. }) => {
                let value: Result<serde_json::Value, _> = serde_json::from_str(input);
                let input = value.map_or_else(|_| input.clone(), |value| value.to_string());
                self.calls.push((name.clone(), input));
            }
            _ => {}
        }
        self.signatures.extend(part.signature.iter().map(|s| s.value.clone()));
    }
}

/// The answer that a stream adds up to, and whether it came to its end.
pub fn assemble(events: &[Event]) -> (Answer, bool) {
    let mut answer = Answer::default();
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Option<usize> = None;
    let (mut stop, mut ended) = (None, false);
    for event in events {
        assert!(!ended, "{event:?} comes after the end");
        match event {
            Event::Start { id, model, .. } => {
                assert!(parts.is_empty(), "a start in the middle");
                (answer.id, answer.model) = (id.clone(), model.clone());
            }
            Event::Open { block, what, .. } => {
                assert_eq!(open, None, "block {block} opens within another");
                assert_eq!(*block, parts.len(), "blocks count up from 0");
                open = Some(*block);
                parts.push(what.begun());
            }
            Event::Delta { block, delta } => {
                assert_eq!(open, Some(*block), "a delta of a block that is not open");
                grow(&mut parts[*block], delta);
            }
            Event::Close { block } => {
                assert_eq!(open.take(), Some(*block), "a block is closed that is not open");
            }
            Event::Stop { stop: why, .. } => {
                assert_eq!(open, None, "a candidate stops with a block open");
                stop = Some(why.clone());
            }
            Event::Tokens(tokens) => answer.tokens = Some(*tokens),
            Event::End => ended = true,
            Event::Units(units) => answer.units = *units,
            Event::Ping => {}
            Event::Error { .. } => break,
        }
    }
    let stop = stop.unwrap_or(Stop::Other("none".into()));
    answer.candidates.push(Candidate { parts, stop, logprobs: None, native: None });
    (answer, ended)
}

fn grow(part: &mut Part, delta: &Delta) {
    match (delta, &mut part.content) {
        (Delta::Text(more), Content::Text { text, .. })
        | (Delta::Text(more), Content::Refusal(text) | Content::Thinking(text)) => {
            text.push_str(more)
        }
        (Delta::Input(more), Content::ToolCall(call)) => call.input.push_str(more),
        (Delta::Signature(Signature { wire, value }), _) => {
            part.signature = Some(Signature { wire: *wire, value: value.clone() });
        }
        (Delta::Citation(_) | Delta::Logprobs(_), _) => {}
        (delta, content) => panic!("{delta:?} cannot grow {content:?}"),
    }
}
