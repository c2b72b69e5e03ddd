//! What every request passes through, outermost first: [`arrival`] (identity of the request,
//! faults drawn as pages), [`headers`] (security), [`origin`] (forms from our own pages only).

pub mod arrival;
pub mod assets;
pub mod cookies;
pub mod headers;
pub mod health;
pub mod origin;
