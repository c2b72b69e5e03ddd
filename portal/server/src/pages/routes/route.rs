//! One route: its editor, its versions, and which of them counts.

use super::{Owner, help, outcomes, written};
use crate::address;
use crate::fault::Fault;
use crate::visit::Visit;
use contract::api::routes::{Route, RouteOutcomes, RoutePlace, RouteVersion};
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Badge, Button, Cell, CellKind, Checkbox, CodeBlock, Crumb, DataTable, Details,
    Field, Form, Hidden, Look, NextPage, PageHead, Second, Section, TextArea, Tone,
};
use portal_app::form::FormState;
use portal_app::text::routes as text;

/// What the page shows.
#[derive(Debug)]
pub struct Shown {
    owner: Owner,
    route: Route,
    versions: Vec<RouteVersion>,
    next: Option<String>,
    places: Vec<RoutePlace>,
    outcomes: RouteOutcomes,
    edit: FormState,
    activate: FormState,
    delete: FormState,
}

/// # Errors
/// When there is no such route, or the control API does not answer.
pub async fn load(visit: &Visit, owner: Owner, id: &str) -> Result<Shown, Fault> {
    let backend = visit.backend();
    let route = backend.route(owner.slug(), id).await?;
    let page = backend.route_versions(owner.slug(), id, visit.query("cursor")).await?;
    let places = owner.places(visit).await?;
    let outcomes = backend.route_outcomes(owner.slug(), id).await?;
    let own = format!("{}/{}", owner.base, route.id);
    Ok(Shown {
        edit: visit.form(&own),
        activate: visit.form(&format!("{own}/active")),
        delete: visit.form(&format!("{own}/delete")),
        next: address::next(visit, page.next),
        versions: page.items,
        owner,
        route,
        places,
        outcomes,
    })
}

impl Shown {
    pub fn draw(self) -> impl IntoView {
        let Self { owner, route, versions, next, places, outcomes, edit, activate, delete } = self;
        let may_edit = owner.may_edit;
        let (version, active) = (route.version, route.active);
        let lead = active.map_or_else(|| text::NO_VERSION.to_owned(), text::version);
        let lead = format!("{}: {lead}", text::COUNTS);
        let editor = may_edit.then(|| editor(edit, &route, places));
        let table = table(&route, versions, may_edit.then_some(&activate));
        let stop = (may_edit && active.is_some()).then(|| {
            let fields = vec![("version", version.to_string())];
            view! {
                <Details summary=text::STOP>
                    <p>{text::STOP_WHY}</p>
                    <ActionButton state=activate label=text::STOP look=Look::Quiet fields=fields />
                </Details>
            }
        });
        let delete = may_edit.then(|| {
            view! {
                <Details summary=text::DELETE>
                    <p>{text::DELETE_WHY}</p>
                    <ActionButton state=delete label=text::DELETE look=Look::Danger />
                </Details>
            }
        });
        let crumbs = vec![Crumb::new(text::TITLE, owner.base)];
        view! {
            <PageHead title=route.model_name lead=lead crumbs=crumbs />
            {editor}
            {outcomes::section(outcomes)}
            <Section title=text::VERSIONS>{table} <NextPage href=next /></Section>
            {stop}
            {delete}
        }
    }
}

fn editor(state: FormState, route: &Route, places: Vec<RoutePlace>) -> impl IntoView + use<> {
    let (policy, version) = (written(&route.policy), route.version.to_string());
    view! {
        <Section title=text::EDIT>
            <Form state=state>
                <Hidden name="version" value=version />
                <TextArea
                    name="policy"
                    label=text::POLICY
                    hint=text::POLICY_HINT
                    value=policy
                    rows=20
                    code=true
                />
                <Field name="note" label=text::NOTE hint=text::NOTE_HINT optional=true />
                <Checkbox name="activate" label=text::ACTIVATE />
                <Button label=text::SAVE />
            </Form>
            {help(places)}
        </Section>
    }
}

fn table(
    route: &Route,
    versions: Vec<RouteVersion>,
    activate: Option<&FormState>,
) -> impl IntoView + use<> {
    let columns = vec![
        (text::VERSION, CellKind::Head),
        (text::AT, CellKind::Text),
        (text::BY, CellKind::Text),
        (text::NOTE, CellKind::Text),
        (text::POLICY, CellKind::Text),
        (text::STATE, CellKind::Text),
    ];
    let rows = versions
        .into_iter()
        .map(|one| {
            let number = one.number.to_string();
            let state = if route.active == Some(one.number) {
                view! { <Badge tone=Tone::Good word=text::COUNTS /> }.into_any()
            } else {
                let fields =
                    vec![("version", route.version.to_string()), ("active", number.clone())];
                let form = activate.map(|form| form.clone().marked(&number));
                form.map(|form| {
                    view! {
                        <ActionButton
                            state=form
                            label=text::MAKE_COUNT
                            look=Look::Quiet
                            fields=fields
                        />
                    }
                })
                .into_any()
            };
            vec![
                Cell::head(number),
                Cell::text(view! { <Second at=one.created_at /> }),
                Cell::text(one.created_by_name),
                Cell::text(one.note),
                Cell::text(view! {
                    <Details summary=text::POLICY>
                        <CodeBlock code=written(&one.policy) what=text::SAMPLE_WHAT />
                    </Details>
                }),
                Cell::text(state),
            ]
        })
        .collect();
    view! { <DataTable caption=text::VERSIONS columns=columns rows=rows /> }
}
