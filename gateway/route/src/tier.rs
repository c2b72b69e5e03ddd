//! Tiers of places: a call goes first to the tier that is for calls as complex as it looks, then to
//! those above, and at last to those below, the nearest first.

use crate::expr::{Facts, NumberName};
use crate::order::Place;
use crate::plan::Candidate;
use contract::id::DeploymentId;
use contract::snapshot::RouteRule;

/// Puts the places in front that are for such calls; within a tier they stay as they are.
pub(crate) fn sort(
    rule: &RouteRule,
    facts: &impl Facts,
    candidates: &[Candidate<'_>],
    places: &mut [Place],
) {
    let Some(own) = own(rule, facts) else { return };
    places.sort_by_cached_key(|place| {
        let id = candidates.get(place.at).map(|one| one.id);
        distance(rule, own, id)
    });
}

/// Leaves those of `numbers` that are for such calls.
pub(crate) fn keep_own(
    rule: &RouteRule,
    facts: &impl Facts,
    candidates: &[Candidate<'_>],
    numbers: &mut Vec<usize>,
) {
    if numbers.is_empty() {
        return;
    }
    let Some(own) = own(rule, facts) else { return };
    numbers.retain(|at| distance(rule, own, candidates.get(*at).map(|one| one.id)) == 0);
}

/// The number of the tier for such calls; `None` where the rule has no tiers.
fn own(rule: &RouteRule, facts: &impl Facts) -> Option<usize> {
    let last = rule.tiers.len().checked_sub(1)?;
    let complexity = facts.number(NumberName::Complexity);
    let fits = |max: u8| complexity <= i64::from(max);
    Some(rule.tiers.iter().position(|tier| fits(tier.complexity_max)).unwrap_or(last))
}

/// How late a place's tier comes.
fn distance(rule: &RouteRule, own: usize, id: Option<DeploymentId>) -> usize {
    let tiers = rule.tiers.len();
    let is_there = |id: DeploymentId| rule.tiers.iter().position(|tier| tier.among.contains(&id));
    match id.and_then(is_there) {
        Some(tier) => tier.checked_sub(own).unwrap_or(tiers + own - tier),
        None => tiers * 2,
    }
}
