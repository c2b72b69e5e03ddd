//! The form of a new route.

use super::{Owner, help, written};
use crate::fault::Fault;
use crate::visit::Visit;
use contract::api::routes::RoutePlace;
use contract::snapshot::RoutePolicy;
use leptos::prelude::*;
use portal_app::components::{
    Button, Checkbox, Choice, Crumb, Field, Form, PageHead, Select, TextArea,
};
use portal_app::form::FormState;
use portal_app::text::routes as text;

/// What the page shows.
#[derive(Debug)]
pub struct Shown {
    owner: Owner,
    places: Vec<RoutePlace>,
    form: FormState,
}

/// # Errors
/// When the control API does not answer.
pub async fn load(visit: &Visit, owner: Owner) -> Result<Shown, Fault> {
    let places = owner.places(visit).await?;
    let form = visit.form(&owner.base);
    Ok(Shown { owner, places, form })
}

impl Shown {
    pub fn draw(self) -> impl IntoView {
        let Self { owner, places, form } = self;
        let mut models: Vec<Choice> = places
            .iter()
            .map(|place| Choice::new(place.model_id.to_string(), place.model_name.as_str()))
            .collect();
        models.dedup_by(|a, b| a.value == b.value);
        view! {
            <PageHead title=text::NEW crumbs=vec![Crumb::new(text::TITLE, owner.base)] />
            <Form state=form>
                <Select name="model_id" label=text::MODEL choices=models />
                <TextArea
                    name="policy"
                    label=text::POLICY
                    hint=text::POLICY_HINT
                    value=written(&RoutePolicy::default())
                    rows=20
                    code=true
                />
                <Field name="note" label=text::NOTE hint=text::NOTE_HINT optional=true />
                <Checkbox name="activate" label=text::ACTIVATE />
                <Button label=text::CREATE />
            </Form>
            {help(places)}
        }
    }
}
