//! `GET /admin/models`, `/new` and `/{model}`.

mod deployments;
pub mod list;
pub mod model;
pub mod new;
mod prices;
