//! `GET /o/{org}`: three steps to the first call, then how things are.

use crate::fault::Fault;
use crate::pages::samples;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::usage::{Onboarding, UsageReport};
use contract::key::KeyEnv;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Cell, CellKind, Count, DataTable, EmptyState, LinkButton, Look, Money, PageHead,
    Samples, Section, Sign, StatTile, Stats, Step, StepState, Steps,
};
use portal_app::form::FormState;
use portal_app::format;
use portal_app::islands::{FIRST_CALL_SEEN, FirstCall};
use portal_app::nav::Place;
use portal_app::text::home as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    let onboarding = visit.backend().onboarding(&visit.org.slug).await?;
    if onboarding.first_usage_at.is_none() {
        return Ok(first_steps(&visit, onboarding));
    }
    let report = visit.backend().usage(&visit.org.slug, &[]).await?;
    Ok(summary(&visit, report))
}

/// `GET /o/{org}/first-call`: what the waiting island asks.
///
/// # Errors
/// When the control API does not answer.
pub async fn first_call(visit: OrgVisit) -> Result<&'static str, Fault> {
    let onboarding = visit.backend().onboarding(&visit.org.slug).await?;
    Ok(if onboarding.first_call_at.is_some() { FIRST_CALL_SEEN } else { "waiting" })
}

fn first_steps(visit: &OrgVisit, onboarding: Onboarding) -> Response {
    let form = visit.form(&visit.at("/keys"));
    let may_create = visit.may(Action::CreateKey);
    let base = visit.app.config.gateway_base();
    let (here, usage, catalog) = (visit.at(""), visit.at("/usage"), visit.at("/catalog"));
    visit.page(Place::Home, text::START, move || {
        let has_key = onboarding.first_key_at.is_some();
        let called = onboarding.first_call_at.is_some();
        let [key, call, see] = states(has_key, called);
        let samples = onboarding.sample_model.as_ref().map(|model| samples::chat(&base, model));
        view! {
            <div class="medium" data-onboarding="" data-called=called.then_some("")>
                <PageHead title=text::START lead=text::START_LEAD />
                <Steps>
                    <Step state=key title=text::STEP_KEY>
                        {key_step(has_key, may_create, form, &onboarding)}
                    </Step>
                    <Step state=call title=text::STEP_CALL live=true>
                        {call_step(samples, catalog)}
                        {(has_key || called).then(|| watch(called, here))}
                    </Step>
                    <Step state=see title=text::STEP_USAGE live=true>
                        <p>{text::STEP_USAGE_WHY}</p>
                        <LinkButton href=usage label=text::STEP_USAGE_BUTTON look=Look::Quiet />
                    </Step>
                </Steps>
            </div>
        }
    })
}

const fn states(has_key: bool, called: bool) -> [StepState; 3] {
    use StepState::{Done, Later, Now};
    match (has_key, called) {
        (_, true) => [Done, Done, Now],
        (true, false) => [Done, Now, Later],
        (false, false) => [Now, Later, Later],
    }
}

fn key_step(has_key: bool, may_create: bool, form: FormState, onboarding: &Onboarding) -> AnyView {
    match onboarding.app_id {
        _ if has_key => view! { <p>{text::STEP_KEY_DONE}</p> }.into_any(),
        Some(app) if may_create => {
            let fields = vec![
                ("app_id", app.to_string()),
                ("name", text::FIRST_KEY_NAME.to_owned()),
                ("env", KeyEnv::Live.as_str().to_owned()),
            ];
            view! {
                <p>{text::STEP_KEY_WHY}</p>
                <ActionButton state=form label=text::STEP_KEY_BUTTON fields=fields />
            }
            .into_any()
        }
        _ => view! { <p>{text::STEP_KEY_ASK}</p> }.into_any(),
    }
}

fn call_step(samples: Option<Vec<portal_app::components::Sample>>, catalog: String) -> AnyView {
    match samples {
        Some(samples) => view! {
            <p>{text::STEP_CALL_WHY}</p>
            <Samples id="first-call" samples=samples />
        }
        .into_any(),
        None => view! {
            <p>{text::NO_MODEL}</p>
            <LinkButton href=catalog label=text::OPEN_CATALOG look=Look::Quiet />
        }
        .into_any(),
    }
}

fn watch(called: bool, here: String) -> AnyView {
    if called {
        return view! { <p class="watch" data-seen="">{text::STEP_CALL_DONE}</p> }.into_any();
    }
    view! {
        <FirstCall
            url=format!("{here}/first-call")
            waiting=text::WAITING.to_owned()
            seen=text::SEEN.to_owned()
        />
        <p class="without-js"><a href=here>{text::RELOAD}</a></p>
    }
    .into_any()
}

fn summary(visit: &OrgVisit, report: UsageReport) -> Response {
    let now = visit.now();
    let new_key = visit.may(Action::CreateKey).then(|| visit.at("/keys/new"));
    let may_see_costs = visit.may(Action::ViewCosts);
    visit.page(Place::Home, text::TITLE, move || {
        let tokens = report.totals.tokens.total();
        let fresh = report.newest_at.map(|at| text::newest(&format::ago(at, now)));
        let spend = may_see_costs.then(|| {
            view! { <StatTile label=text::SPEND value=format::money(report.totals.cost_usd) note=text::LAST_30_DAYS /> }
        });
        let quiet = report.totals.requests == 0;
        let models = if quiet {
            view! { <EmptyState sign=Sign::Usage title=text::QUIET why=text::QUIET_WHY /> }.into_any()
        } else {
            by_model(report.by_model, may_see_costs).into_any()
        };
        let new_key = new_key.map(|href| {
            view! { <LinkButton href=href label=text::NEW_KEY look=Look::Quiet /> }
        });
        view! {
            <PageHead title=text::TITLE lead=fresh.unwrap_or_default()>{new_key}</PageHead>
            <Stats>
                <StatTile label=text::REQUESTS value=format::count(report.totals.requests) note=text::LAST_30_DAYS />
                <StatTile label=text::ERRORS value=format::count(report.totals.errors) note=text::LAST_30_DAYS />
                <StatTile label=text::TOKENS value=format::count(tokens) note=text::LAST_30_DAYS />
                {spend}
            </Stats>
            <Section title=text::TOP_MODELS>{models}</Section>
        }
    })
}

fn by_model(groups: Vec<contract::api::usage::UsageGroup>, costs: bool) -> impl IntoView {
    let mut columns = vec![
        (text::MODEL, CellKind::Text),
        (text::REQUESTS, CellKind::Number),
        (text::TOKENS, CellKind::Number),
    ];
    if costs {
        columns.push((text::SPEND, CellKind::Number));
    }
    let rows = groups
        .into_iter()
        .map(|group| {
            let totals = group.totals;
            let tokens = totals.tokens.total();
            let mut cells = vec![
                Cell::head(view! { <code>{group.name}</code> }),
                Cell::number(view! { <Count value=totals.requests /> }),
                Cell::number(view! { <Count value=tokens /> }),
            ];
            if costs {
                cells.push(Cell::number(view! { <Money amount=totals.cost_usd /> }));
            }
            cells
        })
        .collect();
    view! { <DataTable caption=text::TOP_MODELS columns=columns rows=rows /> }
}
