//! `GET /recover`, `/recover/sent` and `/recover/{token}`: the way back in without the password.

use super::check_mail::local_mailbox;
use crate::visit::Visit;
use axum::response::Response;
use contract::api::identity::CheckMail;
use leptos::prelude::*;
use portal_app::components::{Button, Field, Form, PageHead};
use portal_app::text::auth as text;
use portal_app::text::shell;

/// Asks for the address.
pub async fn ask(visit: Visit) -> Response {
    let form = visit.form("/recover");
    visit.page(text::RECOVER, None, move || {
        view! {
            <div class="narrow">
                <PageHead title=text::RECOVER lead=text::RECOVER_LEAD />
                <Form state=form>
                    <Field
                        name="email"
                        label=text::EMAIL
                        kind="email"
                        autocomplete="username"
                        autofocus=true
                    />
                    <Button label=text::RECOVER_BUTTON />
                </Form>
                <p class="aside"><a href="/login">{shell::SIGN_IN}</a></p>
            </div>
        }
    })
}

/// Says the same whether or not there is such an account.
pub async fn sent(visit: Visit) -> Response {
    let email = visit.payload::<CheckMail>().map(|sent| sent.email);
    let lead = email.as_deref().map_or(text::CHECK_MAIL_UNKNOWN.to_owned(), text::sent_to);
    let mailbox = local_mailbox(&visit);
    visit.page(text::CHECK_MAIL, None, move || {
        view! {
            <div class="narrow">
                <PageHead title=text::CHECK_MAIL lead=lead />
                <p>{text::RECOVER_SENT_WHY}</p>
                {mailbox}
                <p class="aside"><a href="/recover">{text::ASK_AGAIN}</a></p>
            </div>
        }
    })
}

/// The mailed link: a new password.
pub async fn choose(visit: Visit) -> Response {
    let form = visit.form(visit.arrival().path());
    visit.page(text::NEW_PASSWORD, None, move || {
        view! {
            <div class="narrow">
                <PageHead title=text::NEW_PASSWORD lead=text::NEW_PASSWORD_LEAD />
                <Form state=form>
                    <Field
                        name="password"
                        label=text::NEW_PASSWORD
                        hint=text::PASSWORD_HINT
                        kind="password"
                        autocomplete="new-password"
                        autofocus=true
                    />
                    <Button label=text::NEW_PASSWORD_BUTTON />
                </Form>
                <p class="aside"><a href="/recover">{text::ASK_AGAIN}</a></p>
            </div>
        }
    })
}
