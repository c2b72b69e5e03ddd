//! What a tariff makes of a month, from its sums. Pure.

use super::Month;
use contract::Timestamp;
use contract::id::{ModelId, PlanId, PriceId};
use contract::money::{Nanos, Rates};
use contract::rating::{Tariff, Volume};
use std::collections::BTreeMap;

/// What a model was used for in a month under one version of its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub plan_id: PlanId,
    pub model_id: ModelId,
    pub price_id: PriceId,
    pub since: Timestamp,
    pub rates: Rates,
    pub used: Volume,
    /// What its calls were billed.
    pub billed: Nanos,
}

/// A month of an org on a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// What calls were billed.
    pub billed: Nanos,
    /// What tiers and included quantities make of that: below zero gives back.
    pub tariff: Nanos,
    pub minimum: Nanos,
    /// What is missing to the minimum.
    pub missing: Nanos,
}

impl Figures {
    #[must_use]
    pub const fn total(&self) -> Nanos {
        self.billed.saturating_add(self.tariff).saturating_add(self.missing)
    }
}

/// Rates a month in which the org was subscribed on so many `days`. The order of `uses` makes no difference.
#[must_use]
pub fn rate(tariff: &Tariff, uses: &[&Use], month: Month, days: u32) -> Figures {
    let tariff = tariff.for_days(days, month.days());
    let mut models: BTreeMap<ModelId, Vec<&Use>> = BTreeMap::new();
    for one in uses {
        models.entry(one.model_id).or_default().push(one);
    }
    let mut figures = Figures { minimum: tariff.minimum, ..Figures::default() };
    let mut cost = Nanos::ZERO;
    for versions in models.values_mut() {
        versions.sort_by_key(|one| (one.since, one.price_id));
        let used: Vec<_> = versions.iter().map(|one| (one.rates, one.used)).collect();
        cost = cost.saturating_add(tariff.cost_of(&used));
        let billed = versions.iter().map(|one| one.billed);
        figures.billed = billed.fold(figures.billed, Nanos::saturating_add);
    }
    figures.tariff = cost.saturating_sub(figures.billed);
    figures.missing = tariff.top_up(cost);
    figures
}
