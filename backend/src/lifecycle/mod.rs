//! The life of models: their versions, other names for them, when names lead elsewhere, how they
//! end, and who is told. For operators; members see what concerns their apps.
//!
//! Invariants: every name leads to a model, and no name that does is in a circle, also once
//! everything that is scheduled has happened; what a name leads to takes calls when that is said;
//! gateways switch by the instants in their records, the worker writes down that they did; an app's
//! people are told of each step once.

pub mod affected;
pub mod aliases;
pub mod brown_outs;
pub mod cut_overs;
pub mod follow;
pub mod names;
pub mod store;
pub mod tell;
pub mod told;
pub mod versions;
