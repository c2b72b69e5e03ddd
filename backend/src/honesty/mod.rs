//! Whether the money is right, and how far behind it is: for operators, and for their alarms.

mod beats;
pub mod get;
pub mod metrics;
mod read;

pub use beats::beats;
pub use read::read;
