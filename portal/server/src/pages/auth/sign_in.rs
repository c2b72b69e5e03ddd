//! `GET /login`.

use crate::fault::Fault;
use crate::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{Button, Field, Form, Hidden};
use portal_app::text::auth as text;
use portal_app::text::shell;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: Visit) -> Result<Response, Fault> {
    let me = visit.me().await?;
    let form = visit.form("/login");
    let typed = form.value("next").map(str::to_owned);
    let next = visit.query("next").or(typed).unwrap_or_default();
    Ok(visit.page(text::SIGN_IN, me.as_ref(), move || {
        view! {
            <div class="narrow">
                <h1>{text::SIGN_IN}</h1>
                <Form state=form>
                    <Hidden name="next" value=next />
                    <Field
                        name="email"
                        label=text::EMAIL
                        kind="email"
                        autocomplete="username"
                        autofocus=true
                    />
                    <Field
                        name="password"
                        label=text::PASSWORD
                        kind="password"
                        autocomplete="current-password"
                    />
                    <Button label=text::SIGN_IN_BUTTON />
                </Form>
                <p class="aside"><a href="/recover">{text::FORGOT}</a></p>
                <p class="aside">{text::NO_ACCOUNT} " " <a href="/signup">{shell::SIGN_UP}</a></p>
            </div>
        }
    }))
}
