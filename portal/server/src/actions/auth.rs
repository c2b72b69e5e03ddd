//! Signing up, verifying, signing in and out.

use crate::actions::local;
use crate::fault::Fault;
use crate::flash::Flash;
use crate::form::Form;
use crate::http::cookies::SESSION;
use crate::visit::{SignedIn, Visit};
use axum::extract::Path;
use axum::response::Response;
use contract::api::identity::{CheckMail, Me, ResetPassword, SignIn, SignUp};
use http::HeaderValue;
use portal_app::components::Tone;
use portal_app::text::auth as text;

/// Where it is noted which address this browser has just signed up with; no page lives here.
pub(crate) const PENDING: &str = "/verify";

/// `POST /signup`. The pattern of every form: fields → call → redirect, or back with what was
/// typed and what was wrong.
///
/// # Errors
/// What no form can mend.
pub async fn sign_up(visit: Visit, form: Form) -> Result<Response, Fault> {
    let body = SignUp {
        name: form.text("name"),
        email: form.text("email"),
        org_name: form.text("org_name"),
        password: form.raw("password").to_owned(),
    };
    match visit.backend().sign_up(form.key(), &body).await {
        Ok(sent) => mail_sent(&visit, &sent, None),
        Err(fault) => visit.retry("/signup", &form, fault),
    }
}

/// `POST /signup/resend`.
///
/// # Errors
/// What no form can mend.
pub async fn resend(visit: Visit, form: Form) -> Result<Response, Fault> {
    match visit.backend().resend_verification(form.key(), &form.text("email")).await {
        Ok(sent) => mail_sent(&visit, &sent, Some(text::RESENT)),
        Err(fault) => visit.retry("/signup/sent", &form, fault),
    }
}

fn mail_sent(visit: &Visit, sent: &CheckMail, notice: Option<&str>) -> Result<Response, Fault> {
    visit.leave(PENDING, Flash { payload: Some(sent.email.clone().into()), ..Flash::default() })?;
    let go = visit.go("/signup/sent").payload(sent);
    match notice {
        Some(notice) => go.notice(Tone::Good, notice),
        None => go,
    }
    .answer()
}

/// `POST /verify/{token}`: the button of the mailed link's page.
///
/// # Errors
/// What no form can mend.
pub async fn verify(visit: Visit, Path(link): Path<String>, form: Form) -> Result<Response, Fault> {
    match visit.backend().verify_email(form.key(), &link).await {
        Ok(me) => welcome(&visit, &me, text::VERIFIED),
        Err(fault) => visit.retry(visit.arrival().path(), &form, fault),
    }
}

/// `POST /login`.
///
/// # Errors
/// What no form can mend.
pub async fn sign_in(visit: Visit, form: Form) -> Result<Response, Fault> {
    let body = SignIn { email: form.text("email"), password: form.raw("password").to_owned() };
    let next = form.optional("next");
    match visit.backend().sign_in(form.key(), &body).await {
        Ok(me) => visit.go(local(next.as_deref(), &home_of(&me))).answer(),
        Err(fault) => visit.retry("/login", &form, fault),
    }
}

/// `POST /recover`.
///
/// # Errors
/// What no form can mend.
pub async fn recover(visit: Visit, form: Form) -> Result<Response, Fault> {
    match visit.backend().recover(form.key(), &form.text("email")).await {
        Ok(sent) => visit.go("/recover/sent").payload(&sent).answer(),
        Err(fault) => visit.retry("/recover", &form, fault),
    }
}

/// `POST /recover/{token}`: a new password.
///
/// # Errors
/// What no form can mend.
pub async fn reset(visit: Visit, Path(token): Path<String>, form: Form) -> Result<Response, Fault> {
    let body = ResetPassword { token, password: form.raw("password").to_owned() };
    match visit.backend().reset_password(form.key(), &body).await {
        Ok(me) => welcome(&visit, &me, text::PASSWORD_SET),
        Err(fault) => visit.retry(visit.arrival().path(), &form, fault),
    }
}

/// `POST /invite/{token}`: join the org.
///
/// # Errors
/// What no form can mend.
pub async fn join(
    visit: SignedIn,
    Path(link): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    match visit.backend().accept_invitation(form.key(), &link).await {
        Ok(org) => visit
            .go(format!("/o/{}", org.slug))
            .notice(Tone::Good, text::joined(&org.name))
            .answer(),
        Err(fault) => visit.retry(visit.arrival().path(), &form, fault),
    }
}

/// `POST /logout`: the browser forgets the session whatever the control API says.
///
/// # Errors
/// [`Fault::Unreachable`] when the session could not be ended on the server.
pub async fn sign_out(visit: Visit, form: Form) -> Result<Response, Fault> {
    match visit.backend().sign_out(form.key()).await {
        Ok(()) | Err(Fault::SignIn) => {}
        Err(fault) => return Err(fault),
    }
    let gone = format!("{SESSION}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(line) = HeaderValue::from_str(&gone) {
        visit.arrival().set_cookie(line);
    }
    visit.go("/login").notice(Tone::Good, text::SIGNED_OUT).answer()
}

/// To where somebody works, with a word of welcome.
pub(crate) fn welcome(visit: &Visit, me: &Me, notice: &str) -> Result<Response, Fault> {
    visit.go(home_of(me)).notice(Tone::Good, notice).answer()
}

/// The one org of a person, or the choice among several.
fn home_of(me: &Me) -> String {
    match me.orgs.as_slice() {
        [only] => format!("/o/{}", only.slug),
        _ => "/orgs".to_owned(),
    }
}
