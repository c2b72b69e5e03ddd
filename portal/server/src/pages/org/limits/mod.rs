//! The limits of an organisation, team, app or key, as a part of its page; and the pages of all
//! limits and of one.

pub mod fields;
pub mod limit;
pub mod list;

use crate::fault::Fault;
use crate::visit::OrgVisit;
use contract::api::limits::Limit;
use contract::role::Action;
use contract::snapshot::{LimitScope, Window};
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, DataTable, Day, Details, Field, Form, Look, Section,
    Select,
};
use portal_app::form::FormState;
use portal_app::text::limits as text;

/// The limits on `scope` itself.
///
/// # Errors
/// When the control API does not answer.
pub async fn load(visit: &OrgVisit, scope: LimitScope) -> Result<Vec<Limit>, Fault> {
    let mut limits = visit.backend().all_limits(&visit.org.slug).await?;
    limits.retain(|limit| limit.scope == scope);
    Ok(limits)
}

/// The `limits` on `scope`, with forms for those who may set them.
pub fn section(visit: &OrgVisit, scope: LimitScope, limits: Vec<Limit>) -> impl IntoView + use<> {
    let base = visit.at(&format!("/limits/{}", subject(scope)));
    let may = visit.may(Action::EditLimit);
    let add = may.then(|| add(visit.form(&base)));
    let table = if limits.is_empty() {
        view! { <p class="absent">{text::NONE}</p> }.into_any()
    } else {
        let remove =
            |limit: &Limit| may.then(|| visit.form(&format!("{base}/{}/delete", limit.id)));
        let page = |limit: &Limit| visit.at(&format!("/limits/{}", limit.id));
        let limits =
            limits.into_iter().map(|limit| (remove(&limit), page(&limit), limit)).collect();
        table(limits, may).into_any()
    };
    view! { <Section title=text::TITLE>{table} {add}</Section> }
}

/// The id in a limit's address.
fn subject(scope: LimitScope) -> String {
    match scope {
        LimitScope::Org(id) => id.to_string(),
        LimitScope::Team(id) => id.to_string(),
        LimitScope::App(id) => id.to_string(),
        LimitScope::Key(id) => id.to_string(),
        LimitScope::Plan(id) => id.to_string(),
    }
}

fn table(limits: Vec<(Option<FormState>, String, Limit)>, may: bool) -> impl IntoView {
    let mut columns = vec![(text::LIMIT, CellKind::Head), (text::SINCE, CellKind::Text)];
    if may {
        columns.push((text::CHANGE, CellKind::Number));
    }
    let rows = limits
        .into_iter()
        .map(|(remove, href, limit)| {
            let words = text::whole_phrase(&limit);
            let words = view! { <a href=href>{words}</a> };
            let mut cells =
                vec![Cell::head(words), Cell::text(view! { <Day at=limit.created_at /> })];
            cells.extend(remove.map(|form| {
                Cell::number(view! {
                    <ActionButton state=form label=text::REMOVE look=Look::Bare />
                })
            }));
            cells
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn add(form: FormState) -> impl IntoView {
    let open = form.is_refused();
    view! {
        <Details summary=text::ADD open=open>
            <p>{text::ADD_LEAD}</p>
            <Form state=form>
                <Field name="max" label=text::MAX hint=text::MAX_HINT inputmode="decimal" autocomplete="off" />
                <Select name="metric" label=text::METRIC choices=fields::metrics() />
                <Select
                    name="window"
                    label=text::WINDOW
                    value=Window::Minute.as_str()
                    choices=fields::windows()
                />
                <Button label=text::ADD look=Look::Quiet />
            </Form>
        </Details>
    }
}
