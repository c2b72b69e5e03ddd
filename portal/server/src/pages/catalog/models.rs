//! The models of a product: what they cost and what they can take.

use contract::api::catalog::{CatalogModel, Price};
use contract::money::{Nanos, Usd};
use leptos::prelude::*;
use portal_app::components::{Copyable, Fact, Facts, Money, Section, StateBadge};
use portal_app::text::catalog as text;

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
        Some(price) => view! { <dl class="prices">{rates(price)}</dl> }.into_any(),
        None => view! { <p class="absent">{text::NO_PRICE}</p> }.into_any(),
    };
    view! {
        <article class="card">
            <div class="model-head">
                <h3>{model.display_name}</h3>
                <StateBadge state=model.state />
            </div>
            {price}
            <Facts>
                <Fact term=text::NAME_IN_CALLS>
                    <Copyable text=model.name what=text::THE_NAME />
                </Fact>
                <Fact term=text::CONTEXT>{text::tokens(model.context_tokens_max)}</Fact>
                <Fact term=text::OUTPUT_MAX>{text::tokens(model.output_tokens_max)}</Fact>
                <Fact term=text::REGIONS>{joined(model.regions)}</Fact>
                <Fact term=text::PROVIDERS>{joined(model.provider_names)}</Fact>
            </Facts>
        </article>
    }
}

fn joined(names: Vec<String>) -> String {
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { text::NOT_STATED.to_owned() } else { names.join(", ") }
}

/// Every rate that the price names, as term and amount.
pub fn rates(price: &Price) -> impl IntoView + use<> {
    let per_call = (price.per_call_usd != Usd(Nanos::ZERO)).then_some(price.per_call_usd);
    let rates = [
        (text::INPUT, Some(price.input_usd)),
        (text::OUTPUT, Some(price.output_usd)),
        (text::CACHED_INPUT, price.cached_input_usd),
        (text::CACHE_WRITE, price.cache_write_usd),
        (text::REASONING, price.reasoning_usd),
        (text::AUDIO_INPUT, price.audio_input_usd),
        (text::AUDIO_OUTPUT, price.audio_output_usd),
        (text::IMAGE_INPUT, price.image_input_usd),
        (text::PER_CALL, per_call),
    ];
    rates
        .into_iter()
        .filter_map(|(term, amount)| {
            amount.map(|amount| {
                view! { <div class="price"><dt>{term}</dt><dd><Money amount=amount /></dd></div> }
            })
        })
        .collect_view()
}
