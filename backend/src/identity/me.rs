//! Who is signed in.

use super::store;
use crate::http::{Answer, ApiError, Ctx, Result};
use contract::api::identity::Me;

/// The signed-in person and the orgs they belong to.
#[utoipa::path(get, path = "/v1/me", tag = "identity", responses((status = 200, body = Me)))]
pub async fn get_me(ctx: Ctx) -> Result<Answer<Me>> {
    let mut tx = ctx.person_tx().await?;
    let me = store::find_me(&mut tx, ctx.person().id).await?;
    me.map(Answer::ok).ok_or_else(ApiError::sign_in_first)
}
