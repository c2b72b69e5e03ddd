//! `GET /admin/models`, `/new` and `/{model}`.

mod deployments;
pub mod life;
pub mod list;
pub mod model;
pub mod new;
mod prices;
