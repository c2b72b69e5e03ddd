//! `GET /o/{org}/limits`: every limit on calls, and how much of it is used.

use super::fields;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::apps::App;
use contract::api::limits::{EffectiveLimit, EffectiveLimits};
use contract::role::Action;
use contract::snapshot::{LimitScope, Metric, Window};
use leptos::prelude::*;
use portal_app::components::{
    Badge, Button, Cell, CellKind, Choice, DataTable, Details, EmptyState, Field, Form, Hidden,
    Instant, Look, Meter, PageHead, SearchForm, Select, Sign, Tone,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::limits as text;

/// Parameters of the address, and what the control API calls them. The form that sets a limit has
/// a field `tag` of its own.
const FILTERS: [(&str, &str); 4] =
    [("app", "app"), ("key", "key"), ("model", "model"), ("with", "tag")];

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewUsage)?;
    let named = |(name, asked)| visit.query(name).map(|value| (asked, value));
    let query: Vec<_> = FILTERS.into_iter().filter_map(named).collect();
    let slug = &visit.org.slug;
    let limits = visit.backend().effective_limits(slug, &query).await?;
    let apps = visit.backend().all_apps(slug).await?;
    let models = fields::models(&visit).await?;
    Ok(visit.page(Place::Limits, text::TITLE, || {
        let add = visit.may(Action::EditLimit).then(|| {
            let form = visit.form(&visit.at("/limits"));
            add(form, scopes(&visit, &apps), models.clone())
        });
        let table = if limits.items.is_empty() {
            view! { <EmptyState sign=Sign::Limits title=text::NO_LIMITS why=text::NO_LIMITS_WHY /> }
                .into_any()
        } else {
            table(&visit, limits).into_any()
        };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD />
            {filters(&visit, &apps, models)}
            {table}
            {add}
        }
    }))
}

fn filters(visit: &OrgVisit, apps: &[App], models: Vec<Choice>) -> impl IntoView + use<> {
    let of = |name: &'static str| visit.query(name).unwrap_or_default();
    let mut of_apps = vec![Choice::new("", text::EVERY)];
    of_apps.extend(apps.iter().map(|app| Choice::new(app.id.to_string(), &app.name)));
    let key = visit.query("key").map(|key| view! { <Hidden name="key" value=key /> });
    let (here, app, model, tag) = (visit.at("/limits"), of("app"), of("model"), of("with"));
    view! {
        <SearchForm action=here>
            {key}
            <Select name="app" label=text::FILTER_APP value=app choices=of_apps />
            <Select name="model" label=text::FILTER_MODEL value=model choices=models />
            <Field
                name="with"
                label=text::FILTER_TAG
                value=tag
                placeholder="feature=search"
                optional=true
            />
            <Button label=text::SHOW look=Look::Quiet />
        </SearchForm>
    }
}

fn table(visit: &OrgVisit, limits: EffectiveLimits) -> impl IntoView + use<> {
    let columns = vec![
        (text::LIMIT, CellKind::Head),
        (text::ON, CellKind::Text),
        (text::USED, CellKind::Text),
        (text::RESETS, CellKind::Text),
    ];
    let rows = limits.items.into_iter().map(|one| row(visit, one)).collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn row(visit: &OrgVisit, one: EffectiveLimit) -> Vec<Cell> {
    let phrase = text::read(one.metric, one.window, one.max, one.max_usd);
    let is_ours = !matches!(one.scope, LimitScope::Plan(_));
    let href = is_ours.then(|| visit.at(&format!("/limits/{}", one.id)));
    let name = match href {
        Some(href) => view! { <a href=href>{phrase}</a> }.into_any(),
        None => view! { {phrase} }.into_any(),
    };
    let model = one.model_name.as_deref();
    let narrowed = text::narrowed(one.sliding, one.time_zone, model, one.tag.as_ref());
    let narrowed = (!narrowed.is_empty()).then(|| view! { <br /> <small>{narrowed}</small> });
    let binds = one.binds.then(|| view! { " " <Badge tone=Tone::Wait word=text::BINDS /> });
    let overridden =
        one.is_overridden.then(|| view! { " " <Badge tone=Tone::Plain word=text::OVERRIDDEN /> });
    let scope = format!("{} {}", text::scope(one.scope), one.scope_name);
    vec![
        Cell::head(view! { {name} {binds} {overridden} {narrowed} }),
        Cell::text(scope),
        Cell::text(used(&one)),
        Cell::text(resets(&one)),
    ]
}

/// How much is used, as a bar and in words.
pub(super) fn used(one: &EffectiveLimit) -> AnyView {
    let known = text::used_of(one).zip(one.used_percent);
    let Some((words, percent)) = known else { return text::UNKNOWN_USE.into_any() };
    view! { <Meter label=text::USED bare=true used=u64::from(percent) whole=100 words=words /> }
        .into_any()
}

/// When there is room again.
pub(super) fn resets(one: &EffectiveLimit) -> AnyView {
    match one.resets_at {
        Some(at) => view! { <Instant at=at /> }.into_any(),
        None if one.metric == Metric::Concurrency => text::AS_CALLS_END.into_any(),
        None if one.sliding => text::STEADILY.into_any(),
        None => text::NEVER.into_any(),
    }
}

/// What of the org can be limited.
fn scopes(visit: &OrgVisit, apps: &[App]) -> Vec<Choice> {
    let mut scopes = vec![Choice::new(visit.org.org_id.to_string(), &visit.org.name)];
    scopes.extend(apps.iter().map(|app| Choice::new(app.id.to_string(), &app.name)));
    let mut teams: Vec<_> =
        apps.iter().map(|app| (app.team_id.to_string(), app.team_name.clone())).collect();
    teams.sort();
    teams.dedup();
    scopes.extend(teams.into_iter().map(|(id, name)| Choice::new(id, name)));
    scopes
}

fn add(form: FormState, scopes: Vec<Choice>, models: Vec<Choice>) -> impl IntoView {
    let open = form.is_refused();
    view! {
            <Details summary=text::ADD open=open>
                <p>{text::ADD_LEAD}</p>
                <Form state=form>
                    <Select name="scope" label=text::SCOPE choices=scopes />
                    <Field
                        name="max"
                        label=text::MAX
                        hint=text::MAX_HINT
                        inputmode="decimal"
                        autocomplete="off"
                    />
                    <Select name="metric" label=text::METRIC choices=fields::metrics() />
                    <Select
                        name="window"
                        label=text::WINDOW
                        value=Window::Minute.as_str()
                        choices=fields::windows()
                    />
                    <Select name="model_id" label=text::MODEL choices=models />
                    <Field
                        name="tag"
                        label=text::TAG
                        hint=text::TAG_HINT
                        autocomplete="off"
                        optional=true
                    />
                    {fields::more(String::new())}
                    <Button label=text::ADD look=Look::Quiet />
                </Form>
            </Details>
    }
}
