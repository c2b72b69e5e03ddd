//! The control API's HTTP: routes, layers, who is calling, and the one form of every refusal.

pub mod answer;
pub mod at;
pub mod check;
pub mod ctx;
pub mod error;
pub mod health;
pub mod if_match;
pub mod json;
pub mod key_ctx;
pub mod layer;
pub mod openapi;
pub mod page;
pub mod patch;
pub mod post;
pub mod router;
pub mod stack;

pub use answer::Answer;
pub use at::At;
pub use check::Check;
pub use ctx::{Ctx, OperatorCtx, OrgCtx};
pub use error::ApiError;
pub use if_match::IfMatch;
pub use json::Json;
pub use page::{PageQuery, QueryId};
pub use patch::Patch;
pub use post::Post;

/// What an operation returns.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;
