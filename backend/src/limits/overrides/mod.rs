//! Other maxima of a limit for a while. The gateways hold them with their instants and switch by
//! their own clocks, so nothing has to happen when one begins or ends.

pub mod create;
pub mod end;
pub mod store;
