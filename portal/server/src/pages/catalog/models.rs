//! The models of a product: what they cost and what they can take.

use contract::Timestamp;
use contract::api::catalog::{CatalogModel, Price};
use contract::api::rate::RateUsd;
use contract::snapshot::{Lifecycle, Modality};
use leptos::prelude::*;
use portal_app::components::{
    Copyable, Fact, Facts, Instant, Money, Notice, Section, StateBadge, Tone,
};
use portal_app::text::{catalog as text, lifecycle, prices};

pub fn section(models: Vec<CatalogModel>) -> impl IntoView {
    let cards = models.into_iter().map(card).collect_view();
    view! {
        <Section title=text::PRICES>
            <p class="hint">{text::PRICES_NOTE}</p>
            <div class="models">{cards}</div>
        </Section>
    }
}

fn card(model: CatalogModel) -> impl IntoView {
    let price = match &model.price {
        Some(price) => rates(price, model.modality),
        None => view! { <p class="absent">{text::NO_PRICE}</p> }.into_any(),
    };
    // Only what reads and writes text is known by its size; of the rest, what is stated.
    let sized = matches!(model.modality, Modality::Chat | Modality::Embedding);
    let size = move |term: &'static str, tokens: u32| {
        (sized || tokens > 0).then(|| view! { <Fact term=term>{text::tokens(tokens)}</Fact> })
    };
    let end = (model.state == Lifecycle::Deprecated)
        .then(|| deprecation(model.sunset_at, model.successor.as_deref()));
    view! {
        <article class="card">
            <div class="model-head">
                <h3>{model.display_name}</h3>
                <StateBadge state=model.state />
            </div>
            {end}
            {price}
            <Facts>
                <Fact term=text::NAME_IN_CALLS>
                    <Copyable text=model.name what=text::THE_NAME />
                </Fact>
                {size(text::CONTEXT, model.context_tokens_max)}
                {size(text::OUTPUT_MAX, model.output_tokens_max)}
                <Fact term=text::REGIONS>{joined(model.regions)}</Fact>
                <Fact term=text::PROVIDERS>{joined(model.provider_names)}</Fact>
            </Facts>
        </article>
    }
}

/// What there is to say of a model that goes away.
fn deprecation(sunset_at: Option<Timestamp>, successor: Option<&str>) -> impl IntoView + use<> {
    let until = sunset_at.map(|at| {
        view! { " " {lifecycle::UNTIL} " " <Instant at=at /> "." }
    });
    let instead = successor.map(|name| format!(" {}", lifecycle::instead(name)));
    view! {
        <Notice tone=Tone::Wait title=lifecycle::CATALOG_NOTICE>
            <p>{until} {instead}</p>
        </Notice>
    }
}

fn joined(names: Vec<String>) -> String {
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { text::NOT_STATED.to_owned() } else { names.join(", ") }
}

/// What a price asks for, as term and amount.
pub fn rates(price: &Price, modality: Modality) -> AnyView {
    let rates = prices::shown(price, modality);
    if rates.is_empty() {
        return view! { <p class="free">{prices::FREE}</p> }.into_any();
    }
    let rates = rates
        .into_iter()
        .map(|RateUsd { rate, usd }| {
            let term = prices::rate(rate);
            view! { <div class="price"><dt>{term}</dt><dd><Money amount=usd /></dd></div> }
        })
        .collect_view();
    view! { <dl class="prices">{rates}</dl> }.into_any()
}
