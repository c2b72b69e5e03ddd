//! Signs a stranger up: nothing exists until the mailed link is opened. The answer is the same
//! whether or not the address has an account; its owner learns it by mail.

use super::password::Password;
use super::throttle::{self, Subject};
use super::token::Token;
use super::{accounts, store};
use crate::app::App;
use crate::db::Tx as _;
use crate::http::layer::call::Call;
use crate::http::{Answer, Check, Json, Result};
use crate::notify::{self, mails};
use axum::extract::State;
use contract::api::identity::{CheckMail, SignUp};

/// Signs up; a mail follows.
#[utoipa::path(post, path = "/v1/sign-up", tag = "identity",
    request_body = SignUp, responses((status = 202, body = CheckMail)))]
pub async fn sign_up(
    State(app): State<App>,
    call: Call,
    Json(new): Json<SignUp>,
) -> Result<Answer<CheckMail>> {
    let mut check = Check::new();
    let email = check.email("/email", &new.email);
    let password = Password::new(&new.password);
    password.check(&mut check);
    let name = check.line("/name", &new.name, 1..=100);
    let org_name = check.line("/org_name", &new.org_name, 1..=100);
    check.done()?;
    throttle::attempt(&app, &[Subject::address(call.ip), Subject::mail(&email)]).await?;

    // Hashed in either case: the time it takes tells nothing.
    let password_hash = password.hash().await?;
    let public = &app.config.public;
    let mut tx = app.system_tx("sign-up", "look an address up before anybody is known").await?;
    let mail = if let Some(person) = store::find_account(&mut tx, &email).await? {
        mails::account_exists(&person.name, &public.portal_page("login"))
    } else {
        let token = Token::make();
        let sign_up =
            store::NewSignUp { email: &email, name, org_name, password_hash: &password_hash };
        store::insert_sign_up(&mut tx, &token.hash, &sign_up, accounts::SIGN_UP_LASTS).await?;
        mails::verify_email(name, &public.portal_link("verify", &token.text))
    };
    notify::queue(&mut tx, &email, &mail).await?;
    tx.commit().await?;
    Ok(Answer::accepted(CheckMail { email }))
}
