//! Where names lead: what was done and what is to come, of one model or of all names.

use crate::visit::OperatorVisit;
use contract::api::lifecycle::{CutOver, CutOverState};
use contract::api::models::Model;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, DataTable, Details, Field, Form, Hidden, Instant, Look,
    Section, StateBadge,
};
use portal_app::text::lifecycle as text;

/// `of` is the model whose page it stands on; nothing: all names, and the form asks for one.
pub fn section(
    visit: &OperatorVisit,
    of: Option<&Model>,
    cut_overs: Vec<CutOver>,
) -> impl IntoView + use<> {
    let model = of.map(|model| model.id.to_string()).unwrap_or_default();
    let list = if cut_overs.is_empty() {
        view! { <p class="absent">{text::NO_CUT_OVERS}</p> }.into_any()
    } else {
        let columns = vec![
            (text::NAME, CellKind::Head),
            (text::TO, CellKind::Text),
            (text::BEFORE, CellKind::Text),
            (text::AT, CellKind::Text),
            (text::STATE, CellKind::Text),
            (text::BY, CellKind::Text),
            (text::CHANGE, CellKind::Number),
        ];
        let rows = cut_overs.into_iter().map(|one| row(visit, &model, one)).collect();
        view! { <DataTable caption=text::CUT_OVERS columns=columns rows=rows /> }.into_any()
    };
    let form = visit.form("/admin/cut-overs").marked("cut-over");
    let open = form.is_refused();
    let known = of.map(|of| of.name.clone());
    view! {
        <Section title=text::NAMES>
            <p class="hint">{text::CUT_OVERS_LEAD}</p>
            {list}
            <Details summary=text::CUT_OVER open=open>
                <Form state=form>
                    <Hidden name="model" value=model />
                    // Here, because a field knows its form by where it is made.
                    {match known {
                        Some(name) => view! { <Hidden name="name" value=name /> }.into_any(),
                        None => {
                            view! { <Field name="name" label=text::NAME autocomplete="off" /> }
                                .into_any()
                        }
                    }}
                    <Field name="to" label=text::TO hint=text::TO_HINT autocomplete="off" />
                    <Field
                        name="at"
                        kind="datetime-local"
                        label=text::AT
                        hint=text::AT_HINT
                        optional=true
                    />
                    <Button label=text::CUT_OVER look=Look::Quiet />
                </Form>
            </Details>
        </Section>
    }
}

fn row(visit: &OperatorVisit, model: &str, one: CutOver) -> Vec<Cell> {
    let step = match one.state {
        CutOverState::Scheduled => Some(("cancel", text::CANCEL)),
        CutOverState::Done if one.is_reversible => Some(("rollback", text::ROLL_BACK)),
        CutOverState::Done | CutOverState::Cancelled => None,
    };
    let button = step.map(|(step, label)| {
        let form = visit.form(&format!("/admin/cut-overs/{}/{step}", one.id));
        let fields = vec![("model", model.to_owned())];
        view! { <ActionButton state=form label=label look=Look::Bare fields=fields /> }
    });
    vec![
        Cell::head(view! { <code>{one.name}</code> }),
        Cell::text(view! { <code>{one.to}</code> }),
        Cell::text(one.before.map(|before| view! { <code>{before}</code> })),
        Cell::text(view! { <Instant at=one.at /> }),
        Cell::text(view! { <StateBadge state=one.state /> }),
        Cell::text(one.created_by_name),
        Cell::number(button),
    ]
}
