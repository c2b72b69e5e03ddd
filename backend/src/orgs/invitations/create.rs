//! Asks somebody in: never as more than the caller is.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::identity::token::Token;
use crate::notify::{self, mails};
use crate::orgs::members;
use chrono::TimeDelta;
use contract::api::orgs::{CreateInvitation, Invitation};
use contract::error::{ErrorCode, FieldError};
use contract::id::InvitationId;
use contract::role::Action;

const LASTS: TimeDelta = TimeDelta::days(7);

/// Invites somebody by mail.
#[utoipa::path(post, path = "/v1/orgs/{org}/invitations", tag = "members",
    request_body = CreateInvitation, responses((status = 201, body = Invitation)))]
pub async fn create_invitation(
    ctx: OrgCtx,
    post: Post<CreateInvitation>,
) -> Result<Answer<Invitation>> {
    let mut tx = ctx.tenant_tx(Action::InviteMember).await?;
    post.once(&mut tx).await?;
    let mut check = Check::new();
    let email = check.email("/email", &post.body.email);
    check.done()?;
    members::model::check_grant(ctx.role(), post.body.role)?;
    if members::store::has_email(&mut tx, &email).await? {
        let detail = "Somebody with this address is a member already.";
        return Err(
            ApiError::new(ErrorCode::Conflict, detail).field(FieldError::new("/email", detail))
        );
    }
    let org = crate::orgs::store::find(&mut tx).await?.ok_or_else(ApiError::not_found)?;
    let token = Token::make();
    let invitation = Invitation {
        id: tx.new_id(InvitationId::new),
        email,
        role: post.body.role,
        created_at: tx.now(),
        expires_at: tx.now() + LASTS,
    };
    store::delete_expired(&mut tx, &invitation.email).await?;
    store::insert(&mut tx, &invitation, &token.hash).await?;
    let link = ctx.app().config.public.portal_link("invite", &token.text);
    let mail = mails::invitation(&ctx.person().name, &org.name, invitation.role, &link);
    notify::queue(&mut tx, &invitation.email, &mail).await?;
    let entry = Entry::new("create_invitation", "invitation", invitation.id).after(&invitation);
    audit::record(&mut tx, entry).await?;
    post.commit(tx, Answer::created(invitation)).await
}
