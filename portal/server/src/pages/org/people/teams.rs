//! `GET /o/{org}/teams`, `/teams/new` and `/teams/{team}`.

use super::super::limits;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::orgs::Team;
use contract::role::Action;
use contract::snapshot::LimitScope;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Crumb, DataTable, Day, EmptyState, Field, Form, Hidden, LinkButton,
    PageHead, Sign,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::people as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn list(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewTeams)?;
    let teams = visit.backend().all_teams(&visit.org.slug).await?;
    let base = visit.at("/teams");
    let may = visit.may(Action::EditTeam);
    Ok(visit.page(Place::Teams, text::TEAMS, move || {
        let new = may.then(|| {
            view! { <LinkButton href=format!("{base}/new") label=text::NEW_TEAM /> }
        });
        let list = if teams.is_empty() {
            view! { <EmptyState sign=Sign::Members title=text::NO_TEAMS why=text::NO_TEAMS_WHY /> }
                .into_any()
        } else {
            table(teams, may.then_some(base)).into_any()
        };
        view! { <PageHead title=text::TEAMS lead=text::TEAMS_LEAD>{new}</PageHead> {list} }
    }))
}

fn table(teams: Vec<Team>, edit: Option<String>) -> impl IntoView {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::COST_CENTER, CellKind::Text),
        (text::CREATED, CellKind::Text),
    ];
    let rows = teams
        .into_iter()
        .map(|team| {
            let name = match &edit {
                Some(base) => {
                    let href = format!("{base}/{}", team.id);
                    view! { <a href=href>{team.name}</a> }.into_any()
                }
                None => team.name.into_any(),
            };
            let center = match team.cost_center {
                Some(center) => center.into_any(),
                None => view! { <span class="absent">{text::NONE}</span> }.into_any(),
            };
            vec![
                Cell::head(name),
                Cell::text(center),
                Cell::text(view! { <Day at=team.created_at /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::TEAMS columns=columns rows=rows /> }
}

/// # Errors
/// When the role may not.
pub async fn new(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::EditTeam)?;
    let list = visit.at("/teams");
    let form = visit.form(&list);
    Ok(visit.page(Place::Teams, text::NEW_TEAM, move || {
        view! {
            <div class="medium">
                <PageHead title=text::NEW_TEAM crumbs=vec![Crumb::new(text::TEAMS, list)] />
                {fields(form, None, text::CREATE_TEAM)}
            </div>
        }
    }))
}

/// # Errors
/// When the role may not, there is no such team, or the control API does not answer.
pub async fn edit(
    visit: OrgVisit,
    Path((_, team)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::EditTeam)?;
    let team = visit.backend().team(&visit.org.slug, &team).await?;
    let scope = LimitScope::Team(team.id);
    let found = limits::load(&visit, scope).await?;
    let list = visit.at("/teams");
    let form = visit.form(&format!("{list}/{}", team.id));
    Ok(visit.page(Place::Teams, text::EDIT_TEAM, || {
        let limits = limits::section(&visit, scope, found);
        view! {
            <div class="medium">
                <PageHead title=text::EDIT_TEAM crumbs=vec![Crumb::new(text::TEAMS, list)] />
                {fields(form, Some(team), text::SAVE)}
                {limits}
            </div>
        }
    }))
}

fn fields(form: FormState, team: Option<Team>, button: &'static str) -> impl IntoView {
    let version = team.as_ref().map(|team| {
        view! { <Hidden name="version" value=team.version.to_string() /> }
    });
    let (name, center) = team.map(|team| (team.name, team.cost_center)).unwrap_or_default();
    view! {
        <Form state=form>
            {version}
            <Field name="name" label=text::NAME value=name autocomplete="off" autofocus=true />
            <Field
                name="cost_center"
                label=text::COST_CENTER
                hint=text::COST_CENTER_HINT
                value=center.unwrap_or_default()
                autocomplete="off"
                optional=true
            />
            <Button label=button />
        </Form>
    }
}
