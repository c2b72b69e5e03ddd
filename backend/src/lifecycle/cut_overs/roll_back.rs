//! Lets a name lead again where it led before a cut-over.

use super::create::create;
use super::{Change, check, conflict, store};
use crate::http::{Answer, ApiError, At, OperatorCtx, Post, Result};
use crate::lifecycle::store as lifecycle;
use contract::api::lifecycle::{CutOver, RollBackCutOver};
use contract::id::CutOverId;

/// Takes a cut-over back, now: its name leads again where it led before. That is a cut-over itself
/// and can be taken back too.
#[utoipa::path(post, path = "/v1/admin/cut-overs/{cut_over}/rollback", tag = "models",
    request_body = RollBackCutOver, responses((status = 201, body = CutOver)))]
pub async fn roll_back_cut_over(
    ctx: OperatorCtx,
    At(id): At<CutOverId>,
    post: Post<RollBackCutOver>,
) -> Result<Answer<CutOver>> {
    let mut tx = ctx.system_tx("take a cut-over back").await?;
    post.once(&mut tx).await?;
    lifecycle::lock(&mut tx).await?;
    let names = lifecycle::names(&mut tx).await?;
    let row = store::find(&mut tx, &names, id).await?.ok_or_else(ApiError::not_found)?;
    let before = row.before.filter(|_| row.shown.is_reversible).ok_or_else(|| {
        conflict("It cannot be taken back: it was not done, or its name leads elsewhere since.")
    })?;
    // What it led to may take no calls any more.
    names.read(Some(row.of), &names.spell(&before)).map_err(conflict)?;
    let change = Change { of: row.of, to: before, rolls_back: Some(id) };
    check(&names, &change, None).map_err(conflict)?;
    let shown = create(&mut tx, &names, change, None).await?;
    post.commit(tx, Answer::created(shown)).await
}
