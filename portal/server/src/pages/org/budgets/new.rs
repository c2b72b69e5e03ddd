//! `GET /o/{org}/budgets/new`.

use super::fields;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::role::Action;
use contract::snapshot::Window;
use leptos::prelude::*;
use portal_app::components::{Button, Choice, Crumb, Field, Form, PageHead, Select};
use portal_app::nav::Place;
use portal_app::text::{budgets as text, limits};

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::EditBudget)?;
    let scopes = fields::scopes(&visit).await?;
    let models = fields::models(&visit).await?;
    let chosen = visit.query("scope").unwrap_or_default();
    let list = visit.at("/budgets");
    let form = visit.form(&list);
    let mut narrowed = vec![Choice::new("", text::ANY_MODEL)];
    narrowed.extend(models.iter().cloned());
    let windows =
        text::WINDOWS.map(|window| Choice::new(window.as_str(), limits::window(window))).to_vec();
    Ok(visit.page(Place::Budgets, text::NEW, move || {
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
                    />
                    <Select
                        name="scope"
                        label=text::ON
                        hint=text::ON_HINT
                        value=chosen
                        choices=scopes
                    />
                    <Select name="model_id" label=text::MODEL choices=narrowed />
                    <Field
                        name="tag"
                        label=text::TAG
                        hint=text::TAG_HINT
                        autocomplete="off"
                        optional=true
                    />
                    <Select
                        name="window"
                        label=text::PERIOD
                        value=Window::Month.as_str()
                        choices=windows
                    />
                    <Field
                        name="zone"
                        label=text::ZONE
                        hint=text::ZONE_HINT
                        value="UTC"
                        autocomplete="off"
                    />
                    {fields::terms(None, models)}
                    <Button label=text::NEW />
                </Form>
            </div>
        }
    }))
}
