//! A stand-in for model providers: speaks OpenAI's, Anthropic's, Google's, AWS's, Cohere's and IBM's
//! dialects, runs no model, and says so in every answer. Deterministic, with fault switches, and with its own count of the
//! tokens of each request id, so that a test can compare what was billed with what was used.
//!
//! Beside it, the mailbox of a local installation: SMTP in, a page out.
//!
//! Read in this order: [`switches`], [`tokens`], [`record`], [`replica`], `ask` (what a call wants), `reply` (what
//! it gets), `dialect` (how both are written), `stream`, `play`, `answer`, `server`, `mailbox`.

mod answer;
mod ask;
mod control;
mod dialect;
mod example;
mod mailbox;
mod media;
mod node;
mod play;
pub mod record;
pub mod replica;
mod reply;
mod server;
mod signature;
mod stream;
pub mod switches;
pub mod tokens;
mod vectors;

pub use mailbox::Mail;
pub use record::{Outcome, Seen, Served};
pub use server::{Handle, Options, start, start_with};
pub use switches::{Hang, Switches};

/// What every answer carries, as header `x-simulator`.
pub const NAME: &str = "tollgate";
/// The `system_fingerprint` of every answer.
pub const FINGERPRINT: &str = "tollgate-simulator";
/// Models listed by `/v1/models`. Any other name is answered too.
pub const MODELS: &[&str] = &[
    "sim-chat",
    "sim-chat-mini",
    "sim-embed",
    "sim-image",
    "sim-speech",
    "sim-transcribe",
    "sim-moderate",
];
