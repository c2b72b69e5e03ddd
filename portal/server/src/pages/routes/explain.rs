//! Where a call would go, and why.

use super::{Owner, written};
use crate::visit::Visit;
use contract::api::routes::{ExplainRoute, PlaceSeen, RouteExplained, RuleSeen};
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Crumb, DataTable, Fact, Facts, Field, Form, Notice, PageHead, Section,
    TextArea, Tone,
};
use portal_app::form::FormState;
use portal_app::text::routes as text;
use serde::{Deserialize, Serialize};

/// What was asked and what was told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    pub asked: ExplainRoute,
    pub told: RouteExplained,
}

/// What the page shows.
#[derive(Debug)]
pub struct Shown {
    owner: Owner,
    form: FormState,
    told: Option<Told>,
}

/// With what was told last, once.
#[must_use]
pub fn load(visit: &Visit, owner: Owner) -> Shown {
    let form = visit.form(&format!("{}/explain", owner.base));
    Shown { owner, form, told: visit.payload::<Told>() }
}

impl Shown {
    pub fn draw(self) -> impl IntoView {
        let Self { owner, form, told } = self;
        let asked = told.as_ref().map(|told| told.asked.clone());
        let model = asked.as_ref().map_or_else(String::new, |asked| asked.model.clone());
        let org = asked.as_ref().and_then(|asked| asked.org.clone()).unwrap_or_default();
        let call = asked.as_ref().map(|asked| &asked.call);
        let call = call.and_then(|call| serde_json::to_string_pretty(call).ok());
        let draft = asked.as_ref().and_then(|asked| asked.policy.as_ref()).map(written);
        let org = owner.slug.is_none().then(|| {
            view! {
                <Field name="org" label=text::ORG hint=text::ORG_HINT value=org optional=true />
            }
        });
        let result = told.map(|told| result(told.told));
        view! {
            <PageHead
                title=text::EXPLAIN
                lead=text::EXPLAIN_LEAD
                crumbs=vec![Crumb::new(text::TITLE, owner.base)]
            />
            {result}
            <Form state=form>
                <Field name="model" label=text::MODEL hint=text::MODEL_HINT value=model />
                {org}
                <TextArea
                    name="call"
                    label=text::CALL
                    hint=text::CALL_HINT
                    value=call.unwrap_or_else(|| "{}".to_owned())
                    rows=8
                />
                <TextArea
                    name="policy"
                    label=text::DRAFT
                    hint=text::DRAFT_HINT
                    value=draft.unwrap_or_default()
                    rows=8
                    optional=true
                />
                <Button label=text::EXPLAIN />
            </Form>
        }
    }
}

fn result(told: RouteExplained) -> impl IntoView {
    let by = match (told.route_id, told.number) {
        (Some(id), Some(number)) => format!("{id}, {}", text::version(number)),
        _ => text::BY_DRAFT.to_owned(),
    };
    let part = told.part.map(|part| view! { <Fact term=text::PART>{part}</Fact> });
    let refused = told.refused.map(|why| {
        view! { <Notice tone=Tone::Bad title=text::REFUSED><p>{why}</p></Notice> }
    });
    view! {
        <Section title=text::RESULT>
            {refused}
            <Facts>
                <Fact term=text::DECIDED_BY>{by}</Fact>
                {part}
                <Fact term=text::COMPLEXITY>{told.complexity.to_string()}</Fact>
            </Facts>
            {rules(told.rules)}
            {places(told.places)}
        </Section>
    }
}

fn rules(rules: Vec<RuleSeen>) -> impl IntoView {
    let columns = vec![
        (text::RULE, CellKind::Head),
        (text::CONDITION, CellKind::Text),
        (text::STATE, CellKind::Text),
    ];
    let rows = rules
        .into_iter()
        .map(|rule| {
            let when = rule.when.unwrap_or_else(|| text::ALWAYS.to_owned());
            let state = if rule.matched { text::MATCHED } else { text::PASSED_BY };
            vec![
                Cell::head(rule.name),
                Cell::text(view! { <code>{when}</code> }),
                Cell::text(state),
            ]
        })
        .collect();
    view! { <DataTable caption=text::RULES columns=columns rows=rows /> }
}

fn places(places: Vec<PlaceSeen>) -> impl IntoView {
    let columns = vec![
        (text::DEPLOYMENT, CellKind::Head),
        (text::MODEL, CellKind::Text),
        (text::REGION, CellKind::Text),
        (text::WEIGHT, CellKind::Number),
        (text::FIRST, CellKind::Number),
        (text::COST, CellKind::Number),
        (text::WHY_NOT, CellKind::Text),
    ];
    let rows = places
        .into_iter()
        .map(|place| {
            let cost = place.cost_usd.map_or_else(String::new, |cost| format!("{cost} USD"));
            vec![
                Cell::head(view! { <code>{place.deployment_id.to_string()}</code> }),
                Cell::text(view! { <code>{place.model_name}</code> }),
                Cell::text(place.region),
                Cell::number(place.weight.to_string()),
                Cell::number(place.first_of_1000.to_string()),
                Cell::number(cost),
                Cell::text(place.skipped.map_or("", text::skip)),
            ]
        })
        .collect();
    view! { <DataTable caption=text::ORDER columns=columns rows=rows /> }
}
