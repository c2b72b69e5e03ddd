//! Mails a link to choose a new password. The answer is the same for an unknown address.

use super::store;
use super::throttle::{self, Subject};
use super::token::Token;
use crate::app::App;
use crate::db::Tx as _;
use crate::http::layer::call::Call;
use crate::http::{Answer, Check, Json, Result};
use crate::notify::{self, mails};
use axum::extract::State;
use chrono::TimeDelta;
use contract::api::identity::{CheckMail, EmailBody};

const LASTS: TimeDelta = TimeDelta::hours(1);

/// Asks for a link to choose a new password.
#[utoipa::path(post, path = "/v1/recover", tag = "identity",
    request_body = EmailBody, responses((status = 202, body = CheckMail)))]
pub async fn recover(
    State(app): State<App>,
    call: Call,
    Json(body): Json<EmailBody>,
) -> Result<Answer<CheckMail>> {
    let mut check = Check::new();
    let email = check.email("/email", &body.email);
    check.done()?;
    throttle::attempt(&app, &[Subject::address(call.ip), Subject::mail(&email)]).await?;

    let mut tx = app.system_tx("recovery", "find an account by its address").await?;
    let person = store::find_account(&mut tx, &email).await?.filter(|person| !person.is_disabled);
    if let Some(person) = person {
        let token = Token::make();
        store::insert_reset(&mut tx, &token.hash, person.id, LASTS).await?;
        let link = app.config.public.portal_link("recover", &token.text);
        notify::queue(&mut tx, &email, &mails::reset_password(&person.name, &link)).await?;
    }
    tx.commit().await?;
    Ok(Answer::accepted(CheckMail { email }))
}
