//! What a stream tells in one piece: items that are done, of which nothing or not all was streamed,
//! and the end.

use super::super::answer::{read_answer_items, read_item, read_stop};
use super::super::carry::{self, Carried};
use super::super::usage;
use super::read::{Chunk, Kind, Reader, part};
use crate::convert::Malformed;
use crate::neutral::{Block, Content, Delta, Event, Part, Signature, ToolCall};
use serde_json::Value;

impl Reader {
    pub(super) fn item_done(
        &mut self,
        chunk: Chunk<'_>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        let item = part(chunk.item)?;
        let index = chunk.output_index;
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let streamed = match text("type").unwrap_or_default() {
            "reasoning" => {
                let sealed = text("encrypted_content");
                match sealed.map(|sealed| carry::read(text("id"), sealed)) {
                    Some(Carried::OfLast(signature)) if self.open.is_some() => {
                        self.signature(signature, out);
                        return Ok(());
                    }
                    Some(Carried::Own(signature))
                        if self.of_item(Kind::Thinking, index).is_some() =>
                    {
                        self.signature(signature, out);
                        return Ok(());
                    }
                    _ => self.of_item(Kind::Thinking, index).is_some(),
                }
            }
            kind @ ("function_call" | "custom_tool_call") => {
                let input = if kind == "function_call" { "arguments" } else { "input" };
                let input = text(input).unwrap_or_default().to_owned();
                match self.of_item(Kind::Call, index) {
                    Some(open) if open.text.is_empty() => {
                        return self.input(index, input, out);
                    }
                    open => open.is_some(),
                }
            }
            "message" => [Kind::Text, Kind::Refusal]
                .into_iter()
                .any(|kind| self.of_item(kind, index).is_some()),
            _ => false,
        };
        if !streamed {
            self.whole_item(item, index, out);
        }
        Ok(())
    }

    fn signature(&mut self, signature: Signature, out: &mut Vec<Event>) {
        if let Some(open) = &self.open {
            out.push(Event::Delta { block: open.block, delta: Delta::Signature(signature) });
        }
    }

    /// An item of which nothing was streamed.
    fn whole_item(&mut self, item: Value, index: usize, out: &mut Vec<Event>) {
        let (mut parts, mut logprobs) = (Vec::new(), Vec::new());
        read_item(item, &mut parts, &mut logprobs);
        for part in parts {
            self.whole_part(part, index, out);
        }
        if let Some(open) = self.of_item(Kind::Text, index).filter(|_| !logprobs.is_empty()) {
            out.push(Event::Delta { block: open.block, delta: Delta::Logprobs(logprobs) });
        }
    }

    fn whole_part(&mut self, part: Part, item: usize, out: &mut Vec<Event>) {
        self.said.note(&part.content);
        let index = self.blocks;
        let Part { content, signature, cache } = part;
        let (kind, what, deltas) = match content {
            Content::Text { text, citations } => {
                let citations = citations.into_iter().map(Delta::Citation);
                let deltas = [Delta::Text(text)].into_iter().chain(citations).collect();
                (Kind::Text, Block::Text, deltas)
            }
            Content::Refusal(text) => (Kind::Refusal, Block::Refusal, vec![Delta::Text(text)]),
            Content::Thinking(text) => (Kind::Thinking, Block::Thinking, vec![Delta::Text(text)]),
            Content::ToolCall(ToolCall { id, name, input, kind }) => {
                (Kind::Call, Block::ToolCall { id, name, kind }, vec![Delta::Input(input)])
            }
            content => {
                let part = Part { content, signature, cache };
                return self.open(Kind::Whole, item, index, Block::Whole(part), out);
            }
        };
        self.open(kind, item, index, what, out);
        let Some(open) = &mut self.open else { return };
        for delta in deltas.into_iter().chain(signature.map(Delta::Signature)) {
            if let Delta::Text(text) | Delta::Input(text) = &delta {
                open.text.push_str(text);
            }
            out.push(Event::Delta { block: open.block, delta });
        }
    }

    pub(super) fn finish(&mut self, mut response: Value, status: &str, out: &mut Vec<Event>) {
        self.start(Some(&response), out);
        if self.blocks == 0 {
            for (index, item) in read_answer_items(&mut response).into_iter().enumerate() {
                self.whole_item(item, index, out);
            }
        }
        self.close_block(out);
        if let Some(tokens) = response.get("usage").and_then(usage::read) {
            out.push(Event::Tokens(tokens));
        }
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
        out.push(Event::Stop { candidate: 0, stop: read_stop(status, reason, self.said) });
        out.push(Event::End);
        self.ended = true;
    }
}
