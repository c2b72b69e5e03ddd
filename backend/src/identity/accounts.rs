//! What a new account consists of: the person, their org with them as its owner, a team, an app.

use super::store::{self, SignUpRow};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, TenantTx, Tx as _};
use crate::http::Result;
use crate::orgs;
use chrono::TimeDelta;
use contract::id::PersonId;

/// How long a verification link works.
pub const SIGN_UP_LASTS: TimeDelta = TimeDelta::hours(24);

/// Opens an account whose address is proven, and goes on inside its org.
///
/// # Errors
/// Postgres refused.
pub async fn open(mut tx: SystemTx, new: &SignUpRow) -> Result<(PersonId, TenantTx)> {
    let person = tx.new_id(PersonId::new);
    store::insert_person(&mut tx, person, new).await?;
    tx.act_as(person, &new.name, &new.email);
    let (_, mut tx) = orgs::create::open(tx, person, &new.org_name).await?;
    let after = serde_json::json!({ "email": new.email, "name": new.name });
    audit::record(&mut tx, Entry::new("sign_up", "person", person).after(&after)).await?;
    Ok((person, tx))
}
