//! `GET /o/{org}/members/invite`.

use super::grantable;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::role::{Action, Role};
use leptos::prelude::*;
use portal_app::components::{Button, Crumb, Field, Form, PageHead, Select};
use portal_app::nav::Place;
use portal_app::text::people as text;

/// # Errors
/// When the role may not.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::InviteMember)?;
    let form = visit.form(&visit.at("/members/invite"));
    let (list, roles) = (visit.at("/members"), grantable(visit.org.role));
    Ok(visit.page(Place::Members, text::INVITE, move || {
        view! {
            <div class="medium">
                <PageHead
                    title=text::INVITE
                    lead=text::INVITE_LEAD
                    crumbs=vec![Crumb::new(text::TITLE, list)]
                />
                <Form state=form>
                    <Field
                        name="email"
                        label=text::EMAIL
                        kind="email"
                        autocomplete="off"
                        autofocus=true
                    />
                    <Select
                        name="role"
                        label=text::ROLE
                        value=Role::Developer.as_str()
                        choices=roles
                    />
                    <Button label=text::INVITE_BUTTON />
                </Form>
            </div>
        }
    }))
}
