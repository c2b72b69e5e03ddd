//! Whether the money is right, how far behind it is, and how deployments do: for operators, and for
//! their alarms.

mod beats;
pub mod deployments;
pub mod get;
pub mod metrics;
mod read;
mod told;

pub use beats::beats;
pub use read::read;
pub use told::Told;
