//! Answers: `read` those of providers, `write` those to callers; `items` is what both a whole
//! answer and a stream are made of, `envelope` what is around the items.

mod envelope;
mod items;
mod read;
mod write;

pub(super) use envelope::{Envelope, State};
pub(super) use items::{
    Ids, logprobs, message, of_last, reasoning, refusal, text, tool_call, tool_call_begun, whole,
};
pub(super) use read::{Said, read_answer, read_answer_items, read_item, read_logprobs, read_stop};
pub(super) use write::{prefix, write_answer};
