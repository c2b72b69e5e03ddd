//! `GET /verify/{token}`: the mailed link. Programs that look through mail open links too, so
//! opening it burns the token only in the browser that signed up; everywhere else a button does.

use crate::actions::auth::{PENDING, welcome};
use crate::fault::Fault;
use crate::visit::Visit;
use axum::extract::Path;
use axum::response::Response;
use contract::error::ErrorCode;
use leptos::prelude::*;
use portal_app::components::{Button, Form, LinkButton, Look, PageHead, Tone};
use portal_app::text::auth as text;
use portal_app::text::shell;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: Visit, Path(link): Path<String>) -> Result<Response, Fault> {
    let form = visit.form(visit.arrival().path());
    let pending = visit.take_flash(PENDING).payload;
    if let Some(expected) = pending.as_ref().and_then(|email| email.as_str()) {
        match visit.backend().verify_email("", &link).await {
            // Somebody else's link must not sign this browser in to somebody else's account.
            Ok(me) if me.email != expected => {
                visit.arrival().refuse_session();
                return visit.go("/login").notice(Tone::Good, text::VERIFIED_OTHER).answer();
            }
            Ok(me) => return welcome(&visit, &me, text::VERIFIED),
            Err(fault) if fault.is(ErrorCode::TokenInvalid) => return dead(&visit).await,
            Err(fault) => return Err(fault),
        }
    }
    if form.is_refused() {
        return dead(&visit).await;
    }
    let me = visit.me().await?;
    Ok(visit.page(text::VERIFY, me.as_ref(), move || {
        view! {
            <div class="narrow">
                <PageHead title=text::VERIFY lead=text::VERIFY_WHY />
                <Form state=form>
                    <Button label=text::VERIFY_BUTTON />
                </Form>
            </div>
        }
    }))
}

async fn dead(visit: &Visit) -> Result<Response, Fault> {
    let me = visit.me().await?;
    let mut response = visit.page(text::LINK_DEAD, me.as_ref(), || {
        view! {
            <div class="narrow">
                <PageHead title=text::LINK_DEAD lead=text::LINK_DEAD_WHY />
                <p class="actions">
                    <LinkButton href="/login" label=shell::SIGN_IN />
                    <LinkButton href="/signup/sent" label=text::RESEND look=Look::Quiet />
                </p>
            </div>
        }
    });
    *response.status_mut() = http::StatusCode::GONE;
    Ok(response)
}
