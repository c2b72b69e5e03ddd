//! Mails a fresh link to somebody who signed up and lost the first.

use super::throttle::{self, Subject};
use super::token::Token;
use super::{accounts, store};
use crate::app::App;
use crate::db::Tx as _;
use crate::http::layer::call::Call;
use crate::http::{Answer, Check, Json, Result};
use crate::notify::{self, mails};
use axum::extract::State;
use contract::api::identity::{CheckMail, EmailBody};

/// Mails the verification link again, if there is something to verify.
#[utoipa::path(post, path = "/v1/resend-verification", tag = "identity",
    request_body = EmailBody, responses((status = 202, body = CheckMail)))]
pub async fn resend_verification(
    State(app): State<App>,
    call: Call,
    Json(body): Json<EmailBody>,
) -> Result<Answer<CheckMail>> {
    let mut check = Check::new();
    let email = check.email("/email", &body.email);
    check.done()?;
    throttle::attempt(&app, &[Subject::address(call.ip), Subject::mail(&email)]).await?;

    let mut tx = app.system_tx("sign-up", "renew a verification link").await?;
    let token = Token::make();
    let renewed =
        store::renew_sign_up(&mut tx, &email, &token.hash, accounts::SIGN_UP_LASTS).await?;
    if let Some(name) = renewed {
        let link = app.config.public.portal_link("verify", &token.text);
        notify::queue(&mut tx, &email, &mails::verify_email(&name, &link)).await?;
    }
    tx.commit().await?;
    Ok(Answer::accepted(CheckMail { email }))
}
