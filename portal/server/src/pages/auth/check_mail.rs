//! `GET /signup/sent`: a mail is on its way. Says the same whether or not the address was known.

use crate::fault::Fault;
use crate::visit::Visit;
use axum::response::Response;
use contract::api::identity::CheckMail;
use leptos::prelude::*;
use portal_app::components::{Button, Details, Field, Form, LinkButton, Look, Notice, Tone};
use portal_app::text::auth as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: Visit) -> Result<Response, Fault> {
    let me = visit.me().await?;
    let email = visit.payload::<CheckMail>().map(|sent| sent.email);
    let where_to = email.as_deref().map_or(text::CHECK_MAIL_UNKNOWN.to_owned(), text::sent_to);
    let form = visit.form("/signup/resend");
    let refused = form.is_refused();
    let mailbox = local_mailbox(&visit);
    Ok(visit.page(text::CHECK_MAIL, me.as_ref(), move || {
        view! {
            <div class="narrow">
                <h1>{text::CHECK_MAIL}</h1>
                <p class="lead">{where_to}</p>
                <p>{text::CHECK_MAIL_WHY}</p>
                {mailbox}
                <Details summary=text::NO_MAIL open=refused>
                    <Form state=form>
                        <Field
                            name="email"
                            label=text::EMAIL
                            kind="email"
                            autocomplete="email"
                            value=email.unwrap_or_default()
                        />
                        <Button label=text::RESEND look=Look::Quiet />
                    </Form>
                </Details>
            </div>
        }
    }))
}

/// In a local installation: where the mail can be read. Nothing elsewhere.
pub(super) fn local_mailbox(visit: &Visit) -> Option<impl IntoView + use<>> {
    let url = visit.app.config.mailbox_url.clone()?;
    Some(view! {
        <Notice tone=Tone::Plain>
            <p>{text::LOCAL_MAILBOX_WHY}</p>
            <LinkButton href=url.to_string() label=text::LOCAL_MAILBOX />
        </Notice>
    })
}
