//! The choices that forms of limits offer.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use contract::api::catalog::ProductSummary;
use contract::snapshot::{Metric, Window, Zone};
use leptos::prelude::*;
use portal_app::components::{Checkbox, Choice, Field, Select};
use portal_app::text::limits as text;

/// Every metric.
pub fn metrics() -> Vec<Choice> {
    let choice = |metric: &Metric| Choice::new(metric.as_str(), text::metric(*metric));
    Metric::ALL.iter().map(choice).collect()
}

/// Every window, shortest first.
pub fn windows() -> Vec<Choice> {
    let choice = |window: &Window| Choice::new(window.as_str(), text::window(*window));
    Window::ALL.iter().map(choice).collect()
}

/// Every time zone, UTC first.
pub fn zones() -> Vec<Choice> {
    let named = Zone::all().map(Zone::name).filter(|name| *name != Zone::UTC.name());
    let all = std::iter::once(Zone::UTC.name()).chain(named);
    all.map(|name| Choice::new(name, name)).collect()
}

/// The models of the catalogue as the org sees it, by name.
///
/// # Errors
/// When the control API does not answer.
pub async fn models(visit: &OrgVisit) -> Result<Vec<Choice>, Fault> {
    let products = visit.backend().all_products_of(&visit.org.slug).await?;
    Ok(choices(&products))
}

fn choices(products: &[ProductSummary]) -> Vec<Choice> {
    let models = products.iter().flat_map(|one| one.model_ids.iter().zip(&one.model_names));
    let mut named: Vec<_> = models.map(|(id, name)| (name.clone(), id.to_string())).collect();
    named.sort();
    named.dedup();
    let every = std::iter::once(Choice::new("", text::ANY_MODEL));
    every.chain(named.into_iter().map(|(name, id)| Choice::new(id, name))).collect()
}

/// What few limits need: sliding, a time zone, what is admitted without counters.
pub fn more(percent: String) -> impl IntoView {
    view! {
        <Checkbox name="sliding" label=text::SLIDING hint=text::SLIDING_HINT />
        <Select
            name="time_zone"
            label=text::TIME_ZONE
            hint=text::TIME_ZONE_HINT
            value=Zone::UTC.name()
            choices=zones()
        />
        <Field
            name="without_redis_percent"
            label=text::WITHOUT_REDIS
            hint=text::WITHOUT_REDIS_HINT
            inputmode="numeric"
            autocomplete="off"
            value=percent
            optional=true
        />
    }
}
