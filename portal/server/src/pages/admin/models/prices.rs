//! Every price a model had, has or will have, as a part of its page.

use contract::api::models::PriceVersion;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, DataTable, Details, Field, Form, Instant, Look, Money, Section,
};
use portal_app::form::FormState;
use portal_app::text::admin as text;

pub fn section(form: FormState, history: Vec<PriceVersion>) -> impl IntoView {
    let list = if history.is_empty() {
        view! { <p class="absent">{text::NO_PRICES}</p> }.into_any()
    } else {
        table(history).into_any()
    };
    view! {
        <Section title=text::PRICES>
            <p class="hint">{text::PRICES_LEAD}</p>
            {list}
            {add(form)}
        </Section>
    }
}

fn table(history: Vec<PriceVersion>) -> impl IntoView {
    let columns = vec![
        (text::FROM, CellKind::Head),
        (text::PLAN, CellKind::Text),
        (text::INPUT, CellKind::Number),
        (text::OUTPUT, CellKind::Number),
        (text::CACHED_INPUT, CellKind::Number),
        (text::CACHE_WRITE, CellKind::Number),
        (text::REASONING, CellKind::Number),
        (text::PER_CALL, CellKind::Number),
    ];
    let rows = history
        .into_iter()
        .map(|version| {
            let price = version.price;
            let whom = version.plan_id.map_or(text::LIST_PRICE, |_| text::PLAN_PRICE);
            let mut cells =
                vec![Cell::head(view! { <Instant at=price.effective_from /> }), Cell::text(whom)];
            let amounts = [
                Some(price.input_usd),
                Some(price.output_usd),
                price.cached_input_usd,
                price.cache_write_usd,
                price.reasoning_usd,
                Some(price.per_call_usd),
            ];
            cells.extend(amounts.map(|amount| {
                Cell::number(amount.map(|amount| view! { <Money amount=amount /> }))
            }));
            cells
        })
        .collect();
    view! { <DataTable caption=text::PRICES columns=columns rows=rows /> }
}

fn add(form: FormState) -> impl IntoView {
    let open = form.is_refused();
    let amount = |name: &'static str, label: &'static str, value: &'static str| {
        view! {
            <Field name=name label=label value=value inputmode="decimal" autocomplete="off" />
        }
    };
    let extra = |name: &'static str, label: &'static str| {
        view! {
            <Field
                name=name
                label=label
                hint=text::AS_BASE
                inputmode="decimal"
                autocomplete="off"
                optional=true
            />
        }
    };
    view! {
        <Details summary=text::ADD_PRICE open=open>
            <Form state=form>
                {amount("input_usd", text::INPUT, "")}
                {amount("output_usd", text::OUTPUT, "")}
                {extra("cached_input_usd", text::CACHED_INPUT)}
                {extra("cache_write_usd", text::CACHE_WRITE)}
                {extra("reasoning_usd", text::REASONING)}
                {amount("per_call_usd", text::PER_CALL, "0")}
                <Field
                    name="effective_from"
                    label=text::FROM
                    hint=text::FROM_HINT
                    kind="datetime-local"
                    optional=true
                />
                <Button label=text::ADD_PRICE look=Look::Quiet />
            </Form>
        </Details>
    }
}
