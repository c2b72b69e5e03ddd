//! `GET /o/{org}/apps/new`.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{Button, Choice, Crumb, Field, Form, PageHead, Select, TextArea};
use portal_app::nav::Place;
use portal_app::text::apps as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::EditApp)?;
    let teams = visit.backend().all_teams(&visit.org.slug).await?;
    let choices: Vec<_> =
        teams.into_iter().map(|team| Choice::new(team.id.to_string(), team.name)).collect();
    let list = visit.at("/apps");
    let form = visit.form(&list);
    Ok(visit.page(Place::Apps, text::NEW, move || {
        view! {
            <div class="medium">
                <PageHead
                    title=text::NEW
                    lead=text::NEW_LEAD
                    crumbs=vec![Crumb::new(text::TITLE, list)]
                />
                <Form state=form>
                    <Field
                        name="name"
                        label=text::NAME
                        hint=text::NAME_HINT
                        autocomplete="off"
                        autofocus=true
                    />
                    <Select name="team_id" label=text::TEAM hint=text::TEAM_HINT choices=choices />
                    <TextArea name="description" label=text::DESCRIPTION rows=3 optional=true />
                    <Button label=text::CREATE />
                </Form>
            </div>
        }
    }))
}
