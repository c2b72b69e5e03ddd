//! Accepts an invitation: only as the person whose address it was sent to.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, Ctx, Json, Result};
use crate::identity::token;
use crate::orgs::members;
use contract::api::identity::{Membership, TokenBody};
use contract::error::ErrorCode;

/// Joins the organisation of a mailed link.
#[utoipa::path(post, path = "/v1/accept-invitation", tag = "members",
    request_body = TokenBody, responses((status = 200, body = Membership)))]
pub async fn accept_invitation(
    ctx: Ctx,
    Json(body): Json<TokenBody>,
) -> Result<Answer<Membership>> {
    let mut tx = ctx.system_tx("join an org by a mailed link").await?;
    let offer = store::find_by_token(&mut tx, &token::hash(&body.token)).await?;
    let offer = offer.ok_or_else(ApiError::token_invalid)?;
    let person = ctx.person();
    if offer.email != person.email {
        return Err(ApiError::new(
            ErrorCode::InvitationOther,
            format!(
                "The invitation was sent to {}, and you are signed in as {}. Sign in with that \
                 address, or ask for an invitation to yours.",
                offer.email, person.email
            ),
        ));
    }
    let mut tx = tx.enter(offer.org_id, offer.role).await?;
    // Gone in the meantime: opened twice at once, or revoked.
    store::delete(&mut tx, offer.id).await?.ok_or_else(ApiError::token_invalid)?;
    members::store::insert(&mut tx, person.id, offer.role).await?;
    let membership =
        Membership { org_id: offer.org_id, slug: offer.slug, name: offer.name, role: offer.role };
    let entry = Entry::new("accept_invitation", "person", person.id).after(&membership);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(Answer::ok(membership))
}
