//! Signs out.

use super::session;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Ctx, Result};
use http::StatusCode;
use tower_sessions::Session;

/// Ends this session.
#[utoipa::path(post, path = "/v1/sign-out", tag = "identity", responses((status = 204)))]
pub async fn sign_out(ctx: Ctx, session: Session) -> Result<StatusCode> {
    let mut tx = ctx.system_tx("note a sign-out").await?;
    audit::record(&mut tx, Entry::new("sign_out", "person", ctx.person().id)).await?;
    tx.commit().await?;
    session::end(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}
