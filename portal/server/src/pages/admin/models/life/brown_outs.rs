//! The brown-outs of a model that are not over.

use crate::visit::OperatorVisit;
use contract::api::lifecycle::BrownOut;
use contract::api::models::Model;
use contract::snapshot::{BrownOutAnswer, Lifecycle};
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, Choice, DataTable, Details, Field, Form, Instant, Look,
    Section, Select,
};
use portal_app::form::FormState;
use portal_app::text::lifecycle as text;

/// `own` is the address of the model's page.
pub fn section(visit: &OperatorVisit, own: &str, model: &Model) -> impl IntoView + use<> {
    let list = if model.brown_outs.is_empty() {
        view! { <p class="absent">{text::NO_BROWN_OUTS}</p> }.into_any()
    } else {
        let columns = vec![
            (text::FROM, CellKind::Head),
            (text::TILL, CellKind::Text),
            (text::SHARE, CellKind::Number),
            (text::ANSWER, CellKind::Text),
            (text::CHANGE, CellKind::Number),
        ];
        let form = |one: &BrownOut| visit.form(&format!("{own}/brown-outs/{}/delete", one.id));
        let rows = model.brown_outs.iter().map(|one| row(form(one), one)).collect();
        view! { <DataTable caption=text::BROWN_OUTS columns=columns rows=rows /> }.into_any()
    };
    let add = if model.state == Lifecycle::Deprecated {
        add(visit.form(&format!("{own}/brown-outs"))).into_any()
    } else {
        view! { <p class="hint">{text::BROWN_OUTS_LATER}</p> }.into_any()
    };
    view! {
        <Section title=text::BROWN_OUTS>
            <p class="hint">{text::BROWN_OUTS_LEAD}</p>
            {list}
            {add}
        </Section>
    }
}

fn row(form: FormState, one: &BrownOut) -> Vec<Cell> {
    vec![
        Cell::head(view! { <Instant at=one.starts_at /> }),
        Cell::text(view! { <Instant at=one.ends_at /> }),
        Cell::number(format!("{} %", one.percent)),
        Cell::text(text::answer(one.answer)),
        Cell::number(view! { <ActionButton state=form label=text::CANCEL look=Look::Bare /> }),
    ]
}

fn add(form: FormState) -> impl IntoView {
    let open = form.is_refused();
    let answers: Vec<_> = BrownOutAnswer::ALL
        .iter()
        .map(|answer| Choice::new(answer.as_str(), text::answer(*answer)))
        .collect();
    view! {
        <Details summary=text::ADD_BROWN_OUT open=open>
            <Form state=form>
                <Field name="starts_at" kind="datetime-local" label=text::STARTS_AT />
                <Field name="ends_at" kind="datetime-local" label=text::ENDS_AT />
                <Field
                    name="percent"
                    label=text::PERCENT
                    value="10"
                    inputmode="numeric"
                    autocomplete="off"
                />
                <Select name="answer" label=text::ANSWER choices=answers />
                <Button label=text::ADD_BROWN_OUT look=Look::Quiet />
            </Form>
        </Details>
    }
}
