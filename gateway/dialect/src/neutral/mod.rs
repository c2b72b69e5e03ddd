//! The neutral form: a conversation, its answer and its stream, whoever tells them. A superset of
//! what the dialects can say; what a target cannot say is for [`crate::loss`] to decide.
//!
//! What must stay true: nothing here knows a vendor's field names. Whatever a dialect alone
//! understands travels as [`Extra`], [`Signature`] or [`Content::Native`], with that dialect's
//! name on it.

mod answer;
mod event;
mod part;
mod request;

pub use answer::{Answer, Candidate, Stop, TokenChance, TopToken};
pub use event::{Block, Delta, Event};
pub use part::{
    CacheMark, CallKind, Citation, Content, Detail, Media, Native, Part, Signature, Source,
    ToolCall, ToolResult,
};
pub use request::{
    Effort, Extra, Format, Reasoning, Request, Role, Sampling, Schema, Tool, ToolChoice, ToolKind,
    Turn,
};
