//! The plans of a product, side by side.

use super::models::rates;
use contract::api::catalog::{Approval, Plan};
use contract::snapshot::Modality;
use leptos::prelude::*;
use portal_app::components::Section;
use portal_app::text::{cache, catalog as text, limits, tariffs};

/// `kinds` tells of each model, by name, what kind it is.
pub fn section(plans: Vec<Plan>, kinds: &[(String, Modality)]) -> impl IntoView + use<> {
    let list = if plans.is_empty() {
        view! { <p class="absent">{text::NO_PLANS}</p> }.into_any()
    } else {
        let cards = plans.into_iter().map(|plan| card(plan, kinds)).collect_view();
        view! { <div class="plans">{cards}</div> }.into_any()
    };
    view! { <Section title=text::PLANS>{list}</Section> }
}

fn card(plan: Plan, kinds: &[(String, Modality)]) -> impl IntoView + use<> {
    let approval = match plan.approval {
        Approval::Auto => text::AUTO,
        Approval::Manual => text::MANUAL,
    };
    let mut points: Vec<String> = plan
        .limits
        .iter()
        .map(|limit| limits::read(limit.metric, limit.window, limit.max, limit.max_usd))
        .collect();
    if points.is_empty() {
        points.push(text::NO_LIMITS.to_owned());
    }
    points.extend(plan.tariff.as_ref().map(tariffs::points).unwrap_or_default());
    points.extend(plan.tariff_next.as_ref().map(tariffs::next).unwrap_or_default());
    points.extend(cache::points(&plan.cache));
    points.extend(
        plan.output_tokens_max.map(|max| format!("{}: {}", text::OUTPUT_MAX, text::tokens(max))),
    );
    points.push(approval.to_owned());
    if plan.default_for_new_apps {
        points.push(text::DEFAULT.to_owned());
    }
    let points = points.into_iter().map(|point| view! { <li>{point}</li> }).collect_view();
    let description = (!plan.description.is_empty()).then(|| view! { <p>{plan.description}</p> });
    let prices = plan
        .prices
        .iter()
        .map(|own| {
            let kind = kinds.iter().find(|(name, _)| *name == own.model_name);
            let modality = kind.map_or(Modality::Chat, |(_, modality)| *modality);
            view! {
                <h4>{text::OTHER_PRICES} ": " <code>{own.model_name.clone()}</code></h4>
                {rates(&own.price, modality)}
            }
        })
        .collect_view();
    view! {
        <article class="card plan">
            <h3>{plan.name}</h3>
            {description}
            <ul class="points-list">{points}</ul>
            {prices}
        </article>
    }
}
