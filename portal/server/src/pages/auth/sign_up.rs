//! `GET /signup`.

use crate::fault::Fault;
use crate::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{Button, Field, Form};
use portal_app::text::auth as text;
use portal_app::text::shell;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: Visit) -> Result<Response, Fault> {
    let me = visit.me().await?;
    let form = visit.form("/signup");
    Ok(visit.page(text::SIGN_UP, me.as_ref(), move || {
        view! {
            <div class="narrow">
                <h1>{text::SIGN_UP}</h1>
                <p class="lead">{text::SIGN_UP_LEAD}</p>
                <Form state=form>
                    <Field name="name" label=text::NAME autocomplete="name" autofocus=true />
                    <Field
                        name="email"
                        label=text::EMAIL
                        hint=text::EMAIL_HINT
                        kind="email"
                        autocomplete="email"
                    />
                    <Field
                        name="org_name"
                        label=text::ORG_NAME
                        hint=text::ORG_NAME_HINT
                        autocomplete="organization"
                    />
                    <Field
                        name="password"
                        label=text::PASSWORD
                        hint=text::PASSWORD_HINT
                        kind="password"
                        autocomplete="new-password"
                    />
                    <Button label=text::SIGN_UP_BUTTON />
                </Form>
                <p class="aside">{text::HAVE_ACCOUNT} " " <a href="/login">{shell::SIGN_IN}</a></p>
            </div>
        }
    }))
}
