//! What the gateway knows of callers, models, prices and limits: an immutable value in memory,
//! kept current from Redis, with a last good copy on disk. A request reads one snapshot from
//! beginning to end; nothing here is computed while a request waits.

pub mod disk;
mod follow;
mod handle;
mod load;
mod names;
mod routes;
mod store;
mod table;
mod view;

pub use crate::provider::Unusable;
pub use follow::Follower;
pub use handle::{Handle, Reader, Source, Stale};
pub use names::{Found, Lost, Names};
pub use routes::{RouteView, Routes};
pub use store::Snapshot;
pub use view::{DeploymentView, ModelView, ProviderView, Tongue, Upstream};
