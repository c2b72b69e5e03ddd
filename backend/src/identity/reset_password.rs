//! Sets a new password by a mailed link, ends every session of the person, and signs in anew.

use super::password::Password;
use super::{session, store, throttle, token};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::layer::call::Call;
use crate::http::{Answer, ApiError, Check, Json, Result};
use crate::notify::{self, mails};
use axum::extract::State;
use contract::api::identity::{Me, ResetPassword};
use tower_sessions::Session;

/// Chooses a new password. The link works once.
#[utoipa::path(post, path = "/v1/reset-password", tag = "identity",
    request_body = ResetPassword, responses((status = 200, body = Me)))]
pub async fn reset_password(
    State(app): State<App>,
    call: Call,
    session: Session,
    Json(body): Json<ResetPassword>,
) -> Result<Answer<Me>> {
    let password = Password::new(&body.password);
    let mut check = Check::new();
    password.check(&mut check);
    check.done()?;
    throttle::attempt(&app, &[throttle::Subject::address(call.ip)]).await?;
    let hash = password.hash().await?;

    let mut tx = call.system_tx(&app, "set a password by a mailed link").await?;
    let person = store::take_reset(&mut tx, &token::hash(&body.token)).await?;
    let person = person.ok_or_else(ApiError::token_invalid)?;
    store::set_password_hash(&mut tx, person.id, &hash).await?;
    store::delete_sessions(&mut tx, person.id).await?;
    tx.act_as(person.id, &person.name, &person.email);
    audit::record(&mut tx, Entry::new("reset_password", "person", person.id)).await?;
    let told = mails::password_changed(&person.name, &app.config.public.portal_page("recover"));
    notify::queue(&mut tx, &person.email, &told).await?;
    tx.commit().await?;
    throttle::forgive(&app, &throttle::Subject::account(&person.email)).await?;
    session::start(&session, person.id).await?;
    Ok(Answer::ok(store::read_me(&app, person.id).await?))
}
