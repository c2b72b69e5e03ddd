//! Around charts.

pub const TABLE: &str = "Show as a table";
