//! Opens the mailed link: the account and its org come to be, and the browser is signed in.

use super::{accounts, session, store, token};
use crate::app::App;
use crate::db::Tx as _;
use crate::http::layer::call::Call;
use crate::http::{Answer, ApiError, Json, Result};
use axum::extract::State;
use contract::api::identity::{Me, TokenBody};
use tower_sessions::Session;

/// Proves the address and signs in. The link works once.
#[utoipa::path(post, path = "/v1/verify-email", tag = "identity",
    request_body = TokenBody, responses((status = 200, body = Me)))]
pub async fn verify_email(
    State(app): State<App>,
    call: Call,
    session: Session,
    Json(body): Json<TokenBody>,
) -> Result<Answer<Me>> {
    let mut tx = call.system_tx(&app, "open the account of a proven address").await?;
    let sign_up = store::take_sign_up(&mut tx, &token::hash(&body.token)).await?;
    let sign_up = sign_up.ok_or_else(ApiError::token_invalid)?;
    // Somebody else's sign-up with this address was proven first.
    if store::find_account(&mut tx, &sign_up.email).await?.is_some() {
        return Err(ApiError::token_invalid());
    }
    let (person, tx) = accounts::open(tx, &sign_up).await?;
    tx.commit().await?;
    session::start(&session, person).await?;
    Ok(Answer::ok(store::read_me(&app, person).await?))
}
