//! OpenAI chat completions and embeddings: what is read of a request, what is changed in it, what
//! is read of answers and streams, and the shape of errors.

pub(crate) mod chat;
mod error;
mod models;
mod read;
mod stream;
mod usage;
mod write;

pub use chat::error::is_refusal;
pub use chat::{Chat, PROVIDERS, Quirk, Quirks, spoken_by};
pub use error::{error_body, error_event};
pub use models::{model_body, models_body};
pub use read::{Ask, StreamOptions, read_call, read_request};
pub use stream::{Event, has_content, read_event};
pub use usage::{TEXT_BYTES_PER_TOKEN, read_answer};
pub use write::write_request;
