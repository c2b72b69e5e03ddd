//! Apps on plans: `requested → active → suspended → cancelled / expired`, or `refused`.

pub mod cancel;
pub mod create;
pub mod list;
pub mod store;
