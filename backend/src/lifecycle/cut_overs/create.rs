//! Lets a name lead elsewhere, now or from an instant on.

use super::{Change, carry_out, check, conflict, lead, publish, store};
use crate::audit::{self, Entry};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OperatorCtx, Post, Result};
use crate::jobs;
use crate::lifecycle::names::{Names, Node};
use crate::lifecycle::store as lifecycle;
use crate::lifecycle::tell::TellOwners;
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::lifecycle::{CreateCutOver, CutOver};
use contract::error::FieldError;
use contract::id::CutOverId;
use contract::snapshot::PIN;

/// How far ahead one may be scheduled.
const AHEAD_MAX: TimeDelta = TimeDelta::days(732);

/// Lets the name of a model or an alias lead elsewhere, now or from an instant on; every gateway
/// switches at that instant.
#[utoipa::path(post, path = "/v1/admin/cut-overs", tag = "models",
    request_body = CreateCutOver, responses((status = 201, body = CutOver)))]
pub async fn create_cut_over(
    ctx: OperatorCtx,
    post: Post<CreateCutOver>,
) -> Result<Answer<CutOver>> {
    let mut tx = ctx.system_tx("let a name lead elsewhere").await?;
    post.once(&mut tx).await?;
    lifecycle::lock(&mut tx).await?;
    let names = lifecycle::names(&mut tx).await?;
    let (change, at) = read(&names, &post.body, tx.now())?;
    check_places(&mut tx, &names, &change).await?;
    let shown = create(&mut tx, &names, change, at).await?;
    post.commit(tx, Answer::created(shown)).await
}

fn read(names: &Names, new: &CreateCutOver, now: Timestamp) -> Result<(Change, Option<Timestamp>)> {
    let mut check_fields = Check::new();
    let name = names.find(new.name.trim());
    check_fields.that(name.is_some(), "/name", "There is no model and no alias of this name.");
    let of = name.map(|name| name.node);
    let to = names.read(of, new.to.trim());
    check_fields.all(to.as_ref().err().map(|told| FieldError::new("/to", told.clone())));
    if let (Some(of), Ok(to)) = (of, &to) {
        let same = lead(names, of).as_ref() == Some(to);
        check_fields.that(!same, "/to", "It leads there already.");
    }
    if let Some(at) = new.at {
        check_fields.that(at > now, "/at", "Say an instant to come, or leave it out: now.");
        check_fields.that(at <= now + AHEAD_MAX, "/at", "Say one within two years.");
    }
    check_fields.done()?;
    let (Some(of), Ok(to)) = (of, to) else { return Err(ApiError::not_found()) };
    let change = Change { of, to, rolls_back: None };
    if let Some((at, _)) = names.get(of).and_then(|name| name.next.as_ref()) {
        let detail = format!("It is to lead elsewhere on {at} already. Cancel that first.");
        return Err(conflict(detail));
    }
    check(names, &change, new.at)
        .map_err(|told| ApiError::invalid(vec![FieldError::new("/to", told)]))?;
    Ok((change, new.at))
}

/// A name that leads to nothing that answers would fail all its calls.
async fn check_places(tx: &mut SystemTx, names: &Names, change: &Change) -> Result<()> {
    let after = names.clone().with(change.of, change.to.clone(), None);
    let end = after.end(change.of).ok_or_else(ApiError::not_found)?;
    if store::has_place(tx, end.id, end.version).await? {
        return Ok(());
    }
    let version = end.version.map_or_else(String::new, |label| format!("{PIN}{label}"));
    let detail = format!("No deployment of `{}{version}` takes calls.", end.model.text);
    Err(ApiError::invalid(vec![FieldError::new("/to", detail)]))
}

/// Schedules it, or does it; what it is now.
pub(super) async fn create(
    tx: &mut SystemTx,
    names: &Names,
    change: Change,
    at: Option<Timestamp>,
) -> Result<CutOver> {
    let id = tx.new_id(CutOverId::new);
    let now = tx.now();
    store::insert(tx, id, &change, &names.spell(&change.to), at.unwrap_or(now)).await?;
    if at.is_none() {
        carry_out(tx, names, id, &change).await?;
    } else {
        publish(tx, change.of).await?;
    }
    let names = lifecycle::names(tx).await?;
    let row = store::find(tx, &names, id).await?.ok_or_else(ApiError::not_found)?;
    if let (Node::Model(model), true) = (change.of, at.is_some()) {
        jobs::enqueue(tx, &TellOwners { model }).await?;
    }
    let action = if change.rolls_back.is_some() { "roll_back_cut_over" } else { "create_cut_over" };
    audit::record(tx, Entry::new(action, "cut_over", id).after(&row.shown)).await?;
    Ok(row.shown)
}
