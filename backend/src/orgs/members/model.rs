//! The rules of granting. No I/O.

use crate::http::{ApiError, Result};
use contract::error::ErrorCode;
use contract::role::Role;

/// May somebody who is `own` give, change or take the role `other`?
///
/// # Errors
/// `role.forbidden`.
pub fn check_grant(own: Role, other: Role) -> Result<()> {
    if own.may_grant(other) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::RoleForbidden,
        format!("As {} you cannot give or take the role {}.", own.as_str(), other.as_str()),
    ))
}

/// An org that loses an owner keeps another.
///
/// # Errors
/// `role.last_owner`.
pub fn check_owners(before: Role, after: Option<Role>, owners: i64) -> Result<()> {
    if before == Role::Owner && after != Some(Role::Owner) && owners <= 1 {
        return Err(ApiError::new(
            ErrorCode::LastOwner,
            "This is the only owner. Make somebody else an owner first.",
        ));
    }
    Ok(())
}
