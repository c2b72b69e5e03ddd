//! Where a call would go, and why.

use super::{Owner, written};
use crate::visit::Visit;
use contract::api::routes::{ExplainRoute, PlaceHealth, PlaceSeen, RouteExplained, RuleSeen};
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Crumb, DataTable, Fact, Facts, Field, Form, Instant, Money, Notice,
    PageHead, Section, StateBadge, TextArea, Tone,
};
use portal_app::form::FormState;
use portal_app::format;
use portal_app::text::{health as health_text, routes as text};
use serde::{Deserialize, Serialize};

/// What was asked and what was told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    pub asked: ExplainRoute,
    /// The call as it was typed.
    pub typed: String,
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
        let call = told.as_ref().map(|told| told.typed.clone());
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
                    code=true
                />
                <TextArea
                    name="policy"
                    label=text::DRAFT
                    hint=text::DRAFT_HINT
                    value=draft.unwrap_or_default()
                    rows=8
                    code=true
                    optional=true
                />
                <Field
                    name="request_id"
                    label=text::REQUEST
                    hint=text::REQUEST_HINT
                    autocomplete="off"
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
    let gateways = told.gateways.map_or_else(|| text::UNHEARD.to_owned(), text::heard);
    let refused = told.refused.map(|why| {
        view! { <Notice tone=Tone::Bad title=text::REFUSED><p>{why}</p></Notice> }
    });
    let model = versioned(told.model_name, told.model_version);
    let browned_out = told.brown_out.map(|one| {
        let says = text::browned_out(one.percent);
        let this = told.is_browned_out.map(|is| match is {
            true => text::BROWNED_OUT,
            false => text::NOT_BROWNED_OUT,
        });
        view! {
            <Notice tone=Tone::Wait>
                <p>{says} " " <Instant at=one.ends_at /> ". " {this}</p>
            </Notice>
        }
    });
    view! {
        <Section title=text::RESULT>
            {refused}
            {browned_out}
            <Facts>
                <Fact term=text::MODEL><code>{model}</code></Fact>
                <Fact term=text::DECIDED_BY>{by}</Fact>
                {part}
                <Fact term=text::COMPLEXITY>{told.complexity.to_string()}</Fact>
                <Fact term=text::GATEWAYS>{gateways}</Fact>
            </Facts>
            {rules(told.rules)}
            {places(told.places)}
        </Section>
    }
}

/// A model, or a version of it, as calls name it.
fn versioned(model: String, version: Option<String>) -> String {
    version.map_or(model.clone(), |version| format!("{model}@{version}"))
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
        (text::FIRST, CellKind::Number),
        (text::HEALTH, CellKind::Text),
        (text::WHY_NOT, CellKind::Text),
        (text::WEIGHT, CellKind::Number),
        (text::COST, CellKind::Number),
    ];
    let rows = places
        .into_iter()
        .map(|place| {
            let model = versioned(place.model_name, place.model_version);
            let at = match place.region.as_str() {
                "" => model,
                region => format!("{model}, {region}"),
            };
            vec![
                Cell::head(view! {
                    <code class="id">{place.deployment_id.to_string()}</code>
                    <br />
                    <span class="hint">{at}</span>
                }),
                Cell::number(format::count(place.first_of_1000.into())),
                Cell::text(place.health.map(health)),
                Cell::text(place.skipped.map_or("", text::skip)),
                Cell::number(place.weight.to_string()),
                Cell::number(place.cost_usd.map(|cost| view! { <Money amount=cost /> })),
            ]
        })
        .collect();
    view! { <DataTable caption=text::ORDER columns=columns rows=rows /> }
}

fn health(found: PlaceHealth) -> impl IntoView {
    let latency = found.latency_ms.map(|ms| text::takes(&format::duration(ms)));
    let busy = found.in_flight.map(|calls| text::works_on(&format::count(calls)));
    let share = (found.share_percent < 100).then(|| health_text::share(found.share_percent));
    let told: Vec<String> = [share, latency, busy].into_iter().flatten().collect();
    let told = (!told.is_empty()).then(|| view! { <br /> {told.join(", ")} });
    view! { <StateBadge state=found.breaker /> {told} }
}
