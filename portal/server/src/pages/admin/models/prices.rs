//! Every price a model had, has or will have, and the form for a new one, as a part of its page.

use contract::api::models::PriceVersion;
use contract::api::rate::Rate;
use contract::snapshot::Modality;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Checkbox, DataTable, Details, Field, Form, Instant, Look, Money,
    Section,
};
use portal_app::form::FormState;
use portal_app::text::{admin as text, prices};

pub fn section(
    form: FormState,
    modality: Modality,
    history: Vec<PriceVersion>,
) -> impl IntoView + use<> {
    let list = if history.is_empty() {
        view! { <p class="absent">{text::NO_PRICES}</p> }.into_any()
    } else {
        table(history, modality).into_any()
    };
    view! {
        <Section title=text::PRICES>
            <p class="hint">{text::PRICES_LEAD}</p>
            {list}
            {add(form, modality)}
        </Section>
    }
}

/// A column for each rate that any of the prices names.
fn table(history: Vec<PriceVersion>, modality: Modality) -> impl IntoView {
    let shown: Vec<Vec<_>> =
        history.iter().map(|version| prices::shown(&version.price, modality)).collect();
    let named: Vec<Rate> = Rate::ALL
        .into_iter()
        .filter(|rate| shown.iter().flatten().any(|shown| shown.rate == *rate))
        .collect();
    let mut columns = vec![(text::FROM, CellKind::Head), (text::PLAN, CellKind::Text)];
    columns.extend(named.iter().map(|rate| (prices::rate(*rate), CellKind::Number)));
    let rows = history
        .into_iter()
        .zip(shown)
        .map(|(version, shown)| {
            let from = version.price.effective_from;
            let whom = version.plan_id.map_or(text::LIST_PRICE, |_| text::PLAN_PRICE);
            let free = format!("{whom}, {}", prices::FREE.to_lowercase());
            let whom = if shown.is_empty() { free } else { whom.to_owned() };
            let mut cells = vec![Cell::head(view! { <Instant at=from /> }), Cell::text(whom)];
            cells.extend(named.iter().map(|rate| {
                let found = shown.iter().find(|shown| shown.rate == *rate);
                Cell::number(found.map(|shown| view! { <Money amount=shown.usd /> }))
            }));
            cells
        })
        .collect();
    view! { <DataTable caption=text::PRICES columns=columns rows=rows /> }
}

fn add(form: FormState, modality: Modality) -> impl IntoView {
    let open = form.is_refused();
    let usual = Rate::of(modality);
    let others: Vec<_> = Rate::ALL.into_iter().filter(|rate| !usual.contains(rate)).collect();
    // What was typed there must not be folded away when the form comes back.
    let touched = |rate: &Rate| {
        let typed = form.value(rate.field()).is_some_and(|typed| !typed.trim().is_empty());
        typed || form.error(rate.field()).is_some()
    };
    let other_open = others.iter().any(touched);
    view! {
        <Details summary=text::ADD_PRICE open=open>
            <Form state=form>
                {fields(usual, modality)}
                <Details summary=text::OTHER_RATES open=other_open>
                    {fields(&others, modality)}
                </Details>
                <Checkbox name="free" label=text::FREE hint=text::FREE_HINT />
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

/// What belongs together in the form.
const GROUPS: [(&str, &[Rate]); 4] = [
    (text::RATES_TOKENS, &[Rate::Input, Rate::Output, Rate::Reasoning]),
    (text::RATES_CACHED, &[Rate::CachedInput, Rate::CacheWrite, Rate::CacheWrite1h]),
    (
        text::RATES_MEDIA,
        &[Rate::AudioInput, Rate::AudioOutput, Rate::ImageInput, Rate::ImageOutput],
    ),
    (
        text::RATES_UNITS,
        &[
            Rate::Image,
            Rate::MillionCharacters,
            Rate::AudioMinute,
            Rate::ThousandSearches,
            Rate::ThousandRows,
            Rate::ComputeHour,
            Rate::PerCall,
        ],
    ),
];

/// A field for each of `rates`, group by group; the group of the first one comes first.
fn fields(rates: &[Rate], modality: Modality) -> impl IntoView + use<> {
    let first = rates.first().copied();
    let mut groups = GROUPS;
    groups.sort_by_key(|(_, members)| !first.is_some_and(|first| members.contains(&first)));
    groups
        .into_iter()
        .map(|(legend, members)| {
            let members: Vec<_> =
                members.iter().copied().filter(|rate| rates.contains(rate)).collect();
            (!members.is_empty()).then(|| {
                let fields = members.into_iter().map(|rate| field(rate, modality)).collect_view();
                view! {
                    <fieldset class="boxes group">
                        <legend>{legend}</legend>
                        <div class="rates">{fields}</div>
                    </fieldset>
                }
            })
        })
        .collect_view()
}

fn field(rate: Rate, modality: Modality) -> impl IntoView {
    // A chat has both sides; every other kind may be sold by one rate of several.
    let needed = modality == Modality::Chat && matches!(rate, Rate::Input | Rate::Output);
    view! {
        <Field
            name=rate.field()
            label=prices::rate(rate)
            hint=prices::about(rate)
            inputmode="decimal"
            autocomplete="off"
            optional=!needed
        />
    }
}
