//! Books a dead letter after all, once what kept it from that has been mended.

use super::store;
use crate::audit;
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, OperatorCtx, Result};
use crate::usage::event::{self, Refusal, Told};
use crate::usage::stream::Entry;
use crate::usage::{book, ingest, unknowns};
use contract::api::dead_letters::DeadLetter;
use contract::error::ErrorCode;
use contract::id::LetterId;

/// Books the event as if it came now. What is booked already stays as it is; what still cannot be
/// booked stays a dead letter, and the answer says why.
#[utoipa::path(post, path = "/v1/admin/dead-letters/{letter}/replay", tag = "usage",
    responses((status = 200, body = DeadLetter)))]
pub async fn replay_dead_letter(
    ctx: OperatorCtx,
    At(id): At<LetterId>,
) -> Result<Answer<DeadLetter>> {
    let mut tx = ctx.system_tx("book a dead letter").await?;
    let (before, stream_id) =
        store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if before.replayed_at.is_some() {
        return Ok(Answer::ok(before));
    }
    let entry = Entry { stream_id, body: Some(before.body.clone()) };
    if let Some(reason) = book(&mut tx, &entry).await? {
        let detail = format!("It still cannot be booked: {reason}. Mend that first.");
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    store::set_replayed(&mut tx, id).await?;
    let after = DeadLetter { replayed_at: Some(tx.now()), ..before.clone() };
    let entry = audit::Entry::new("replay_dead_letter", "dead_letter", id);
    audit::record(&mut tx, entry.before(&before).after(&after)).await?;
    tx.commit().await?;
    Ok(Answer::ok(after))
}

/// Why it cannot be booked; nothing when it is.
async fn book(tx: &mut SystemTx, entry: &Entry) -> Result<Option<String>> {
    let read = event::read(entry.body.as_deref());
    let event = match read.and_then(|told| told.check(tx.now()).map(|()| told)) {
        Ok(Told::Event(event)) => *event,
        Ok(Told::Unsettled(call)) => {
            let foreign = unknowns::take(tx, &[*call]).await?;
            return Ok((!foreign.is_empty()).then(|| Refusal::Foreign.to_string()));
        }
        Err(refusal) => return Ok(Some(refusal.to_string())),
    };
    match book::book_events(tx, &[(entry, event)]).await {
        Ok((_, refused)) => Ok(refused.first().map(|letter| letter.reason().to_owned())),
        Err(sqlx::Error::Database(error)) if ingest::is_poison(&*error) => {
            Ok(Some(format!("the database refuses it: {}", error.message())))
        }
        Err(error) => Err(error.into()),
    }
}
