//! A stand-in for a model provider: speaks OpenAI chat completions and embeddings, runs no model,
//! and says so in every answer. Deterministic, with fault switches, and with its own count of the
//! tokens of each request id, so that a test can compare what was billed with what was used.
//!
//! Beside it, the mailbox of a local installation: SMTP in, a page out.
//!
//! Read in this order: [`switches`], [`tokens`], [`record`], `openai`, `server`,
//! `mailbox`.

mod control;
mod mailbox;
mod openai;
pub mod record;
mod reply;
mod server;
pub mod switches;
pub mod tokens;

pub use mailbox::Mail;
pub use record::{Outcome, Seen, Served};
pub use server::{Handle, Options, start, start_with};
pub use switches::{Hang, Switches};

/// What every answer carries, as header `x-simulator` and as `system_fingerprint`.
pub const NAME: &str = "tollgate";
/// The `system_fingerprint` of every answer.
pub const FINGERPRINT: &str = "tollgate-simulator";
/// Models listed by `/v1/models`. Any other name is answered too.
pub const MODELS: &[&str] = &["sim-chat", "sim-chat-mini", "sim-embed"];
