//! The limits of an organisation, team, app or key, as a part of its page.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use contract::api::limits::Limit;
use contract::role::Action;
use contract::snapshot::{LimitScope, Metric, Window};
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, Choice, DataTable, Day, Details, Field, Form, Look,
    Section, Select,
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
        let limits: Vec<_> = limits.into_iter().map(|limit| (remove(&limit), limit)).collect();
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

fn table(limits: Vec<(Option<FormState>, Limit)>, may: bool) -> impl IntoView {
    let mut columns = vec![(text::LIMIT, CellKind::Head), (text::SINCE, CellKind::Text)];
    if may {
        columns.push((text::CHANGE, CellKind::Number));
    }
    let rows = limits
        .into_iter()
        .map(|(remove, limit)| {
            let words = text::read(limit.metric, limit.window, limit.max, limit.max_usd);
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
    let metrics = [Metric::Requests, Metric::Tokens, Metric::Money]
        .map(|metric| Choice::new(metric.as_str(), text::metric(metric)));
    let open = form.is_refused();
    view! {
        <Details summary=text::ADD open=open>
            <p>{text::ADD_LEAD}</p>
            <Form state=form>
                <Field name="max" label=text::MAX hint=text::MAX_HINT inputmode="decimal" autocomplete="off" />
                <Select name="metric" label=text::METRIC choices=metrics.to_vec() />
                <Select
                    name="window"
                    label=text::WINDOW
                    value=Window::Minute.as_str()
                    choices=windows()
                />
                <Button label=text::ADD look=Look::Quiet />
            </Form>
        </Details>
    }
}

/// Every window, shortest first.
pub(crate) fn windows() -> Vec<Choice> {
    use Window::{Day, Hour, Lifetime, Minute, Month, Second};
    [Second, Minute, Hour, Day, Month, Lifetime]
        .map(|window| Choice::new(window.as_str(), text::window(window)))
        .to_vec()
}
