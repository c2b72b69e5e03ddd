//! Names that lead elsewhere from an instant on.

pub mod cancel;
pub mod create;
pub mod list;
pub mod roll_back;
pub mod store;

use crate::db::SystemTx;
use crate::http::{ApiError, Result};
use crate::lifecycle::names::{Names, Node};
use crate::lifecycle::store as lifecycle;
use crate::outbox;
use contract::error::ErrorCode;
use contract::id::CutOverId;
use contract::snapshot::{Kind, Lead};

/// What is to lead where.
#[derive(Debug, Clone)]
pub struct Change {
    pub of: Node,
    pub to: Lead,
    pub rolls_back: Option<CutOverId>,
}

/// Tells gateways of a name.
pub(super) async fn publish(tx: &mut SystemTx, of: Node) -> sqlx::Result<()> {
    match of {
        Node::Model(id) => outbox::push(tx, Kind::Model, id).await,
        Node::Alias(id) => outbox::push(tx, Kind::Alias, id).await,
    }
}

/// Where a name leads: of a model that says nothing, to itself.
pub(super) fn lead(names: &Names, of: Node) -> Option<Lead> {
    let name = names.get(of)?;
    name.lead.clone().or(match of {
        Node::Model(id) => Some(Lead::Model { id, version: None }),
        Node::Alias(_) => None,
    })
}

/// Lets a name lead elsewhere now, and says that it was done. Cut-overs that are due are done in
/// the same way.
pub(super) async fn carry_out(
    tx: &mut SystemTx,
    names: &Names,
    id: CutOverId,
    change: &Change,
) -> Result<()> {
    let before = lead(names, change.of).ok_or_else(ApiError::not_found)?;
    lifecycle::set_lead(tx, change.of, &change.to).await?;
    store::set_done(tx, id, &before, &names.spell(&before)).await?;
    publish(tx, change.of).await?;
    Ok(())
}

/// Refuses what would make a circle, and a second plan for one name.
pub(super) fn check(
    names: &Names,
    change: &Change,
    at: Option<contract::Timestamp>,
) -> Result<(), String> {
    if let Some((at, _)) = names.get(change.of).and_then(|name| name.next.as_ref()) {
        return Err(format!("It is to lead elsewhere on {at} already. Cancel that first."));
    }
    names.clone().with(change.of, change.to.clone(), at).check()
}

pub(super) fn conflict(detail: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Conflict, detail.into())
}
