//! Request and response shapes of the control API, one file a domain.
//!
//! Times are RFC 3339 in UTC, money is a decimal string of dollars ([`crate::money::Usd`]), ids
//! are prefixed. Every editable object carries `version`: send it back as `If-Match: "<version>"`.

pub mod apps;
pub mod audit;
pub mod billing;
pub mod budgets;
pub mod cache;
pub mod catalog;
pub mod dead_letters;
pub mod health;
pub mod identity;
pub mod keys;
pub mod lifecycle;
pub mod limits;
pub mod models;
pub mod orgs;
pub mod own;
pub mod providers;
pub mod rate;
pub mod routes;
pub mod tariffs;
pub mod usage;
pub mod webhooks;

/// Derives that every shape shares.
macro_rules! shape {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($body)* }
    )*};
}
pub(crate) use shape;
