//! Forms in general.

pub const PROBLEM: &str = "There is a problem";
pub const ERROR_TITLE: &str = "Error: ";
pub const UNREACHABLE: &str = "The service did not answer, so we do not know whether this was done. Send the form again: \
     it will not be done twice.";
