//! `GET /invite/{token}`: the mailed invitation. Joining takes a button, so that programs that open
//! mailed links accept nothing.

use crate::visit::SignedIn;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{Button, Form, PageHead};
use portal_app::text::auth as text;

pub async fn page(visit: SignedIn) -> Response {
    let form = visit.form(visit.arrival().path());
    let who = text::joining_as(&visit.me.email);
    visit.page(text::INVITE, move || {
        view! {
            <div class="narrow">
                <PageHead title=text::INVITE lead=text::INVITE_LEAD />
                <p>{who}</p>
                <Form state=form>
                    <Button label=text::INVITE_BUTTON />
                </Form>
            </div>
        }
    })
}
