//! Signs in with address and password. A wrong address, a wrong password and a disabled account
//! get the same answer after the same work.

use super::password::Password;
use super::throttle::{self, Subject};
use super::{session, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::layer::call::Call;
use crate::http::{Answer, ApiError, Check, Json, Result};
use axum::extract::State;
use contract::api::identity::{Me, SignIn};
use contract::error::ErrorCode;
use tower_sessions::Session;

/// Signs in.
#[utoipa::path(post, path = "/v1/sign-in", tag = "identity",
    request_body = SignIn, responses((status = 200, body = Me)))]
pub async fn sign_in(
    State(app): State<App>,
    call: Call,
    session: Session,
    Json(body): Json<SignIn>,
) -> Result<Answer<Me>> {
    let mut check = Check::new();
    let email = check.email("/email", &body.email);
    check.that(body.password.len() <= 1024, "/password", "A password has at most 256 characters.");
    check.done()?;
    let account = Subject::account(&email);
    throttle::attempt(&app, &[Subject::address(call.ip), Subject::account(&email)]).await?;

    let mut tx = call.system_tx(&app, "find an account by its address").await?;
    let person = store::find_account(&mut tx, &email).await?;
    let waiting = store::find_sign_up_hash(&mut tx, &email).await?;
    drop(tx);
    let is_waiting = person.is_none() && waiting.is_some();
    let hash = person.as_ref().map(|person| person.password_hash.as_str()).or(waiting.as_deref());
    let fits = Password::new(&body.password).is_of(hash).await?;
    let person = match person {
        Some(person) if fits && !person.is_disabled => person,
        _ if fits && is_waiting => return Err(unverified()),
        _ => return Err(refused()),
    };

    throttle::forgive(&app, &account).await?;
    let mut tx = call.system_tx(&app, "note a sign-in").await?;
    tx.act_as(person.id, &person.name, &email);
    audit::record(&mut tx, Entry::new("sign_in", "person", person.id)).await?;
    tx.commit().await?;
    session::start(&session, person.id).await?;
    Ok(Answer::ok(store::read_me(&app, person.id).await?))
}

fn refused() -> ApiError {
    ApiError::new(
        ErrorCode::SignInRefused,
        "The e-mail address or the password is not right. Check both, or recover the password.",
    )
}

/// Only whoever knows the password of the sign-up learns of it.
fn unverified() -> ApiError {
    ApiError::new(
        ErrorCode::EmailUnverified,
        "Open the link in the mail we sent you first. It can be sent again.",
    )
}
