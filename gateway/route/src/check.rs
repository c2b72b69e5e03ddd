//! What is wrong with a policy, found when it is saved and told with its place, so that no call
//! ever meets it.

use crate::expr::{Expr, ExprError, header_fault};
use contract::id::{DeploymentId, ModelId};
use contract::snapshot::{Fallbacks, RULES_MAX, RoutePolicy, RouteRule, Split, Sticky};
use std::collections::{HashMap, HashSet};

mod beside;

/// Hundredths of a percent in all.
const WHOLE: u32 = 10_000;
/// Characters of a name at most.
const NAME_MAX: usize = 64;
/// The shortest wait before another place is asked too, in milliseconds: anything less would ask
/// two places each time.
const HEDGE_MS_MIN: u32 = 20;
const FALLBACKS_MAX: usize = 8;
const REGIONS_MAX: usize = 50;

/// What is wrong with a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {detail}")]
pub struct PolicyFault {
    /// A JSON pointer into the policy: `/rules/2/when`.
    pub at: String,
    /// Of a condition with the line and column in it.
    pub detail: String,
}

pub(crate) fn fault(at: impl Into<String>, detail: impl std::fmt::Display) -> PolicyFault {
    PolicyFault { at: at.into(), detail: detail.to_string() }
}

/// A deployment that a policy may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlace {
    pub id: DeploymentId,
    pub model_id: ModelId,
    pub region: String,
    /// 0 where it takes no calls.
    pub weight: u32,
}

/// What a policy is checked against.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The model that the route is of.
    pub model: Option<ModelId>,
    pub places: Vec<KnownPlace>,
    /// The models that calls of this model may go to: of its kind, and not retired.
    pub models: Vec<ModelId>,
    /// What the routes of the other models fall back to.
    pub fallbacks: HashMap<ModelId, Fallbacks>,
}

impl Known {
    fn place(&self, id: DeploymentId) -> Option<&KnownPlace> {
        self.places.iter().find(|place| place.id == id)
    }
}

/// Everything that is wrong with a policy.
#[must_use]
pub fn check(policy: &RoutePolicy, known: &Known) -> Vec<PolicyFault> {
    let mut faults = Vec::new();
    if policy.rules.is_empty() {
        faults.push(fault("/rules", "a route has at least one rule, which matches every call"));
    }
    if policy.rules.len() > RULES_MAX {
        faults.push(fault("/rules", format!("a route has at most {RULES_MAX} rules")));
    }
    check_regions(policy, known, &mut faults);
    let read = |rule: &RouteRule| rule.when.as_deref().map(Expr::parse);
    let read: Vec<_> = policy.rules.iter().map(read).collect();
    let mut names = HashSet::new();
    for (nth, rule) in policy.rules.iter().enumerate() {
        let at = |field: &str| format!("/rules/{nth}/{field}");
        if let Some(detail) = name(&rule.name) {
            faults.push(fault(at("name"), detail));
        } else if !names.insert(&rule.name) {
            faults.push(fault(at("name"), "another rule has this name"));
        }
        faults.extend(condition(policy, &read, nth).map(|detail| fault(at("when"), detail)));
        if rule.tiers.is_empty() {
            check_places(policy, rule, known, &at, &mut faults);
        } else {
            beside::check_tiers(policy, rule, known, &at, &mut faults);
        }
        beside::check_shadow(policy, rule, known, &at, &mut faults);
        if let Some(split) = &rule.split {
            check_split(policy, split, known, &at, &mut faults);
        }
        let sticky = match &rule.sticky {
            Some(Sticky::Header(name)) => header_fault(name),
            Some(Sticky::Metadata(name)) if !(1..=100).contains(&name.len()) => {
                Some("name the entry in 1 to 100 characters")
            }
            _ => None,
        };
        faults.extend(sticky.map(|detail| fault(at("sticky/name"), detail)));
        if rule.hedge_ms.is_some_and(|wait| wait < HEDGE_MS_MIN) {
            let detail = format!("another place is asked after {HEDGE_MS_MIN} ms at the earliest");
            faults.push(fault(at("hedge_ms"), detail));
        }
    }
    check_fallbacks(policy, known, &mut faults);
    check_bounds(policy, &mut faults);
    faults
}

/// What is wrong with the condition of the `nth` rule.
fn condition(
    policy: &RoutePolicy,
    read: &[Option<Result<Expr, ExprError>>],
    nth: usize,
) -> Option<String> {
    let is_last = nth + 1 == policy.rules.len();
    let told = match read.get(nth)? {
        None if is_last => return None,
        None => {
            "a rule without a condition matches every call, so the rules after it never count: put \
             it last"
        }
        Some(Err(error)) => return Some(error.to_string()),
        Some(Ok(_)) if is_last => {
            "the last rule has no condition: without it some calls would have nowhere to go"
        }
        Some(Ok(condition)) => match condition.sure() {
            Some(false) => "no call ever meets this condition",
            Some(true) => "every call meets this condition, so the rules after it never count",
            None => {
                let is_same = |other: &Option<Result<Expr, ExprError>>| matches!(other, Some(Ok(other)) if other == condition);
                let earlier = read.iter().take(nth).position(is_same)?;
                let earlier = &policy.rules.get(earlier)?.name;
                return Some(format!(
                    "the rule `{earlier}` before it has the same condition, so it never counts"
                ));
            }
        },
    };
    Some(told.to_owned())
}

fn check_regions(policy: &RoutePolicy, known: &Known, faults: &mut Vec<PolicyFault>) {
    if policy.regions.len() > REGIONS_MAX {
        faults.push(fault("/regions", format!("at most {REGIONS_MAX} regions")));
    }
    let mut seen = HashSet::new();
    for (nth, region) in policy.regions.iter().enumerate() {
        let at = format!("/regions/{nth}");
        if region.is_empty() || !known.places.iter().any(|place| place.region == *region) {
            let regions: HashSet<&str> =
                known.places.iter().map(|one| one.region.as_str()).collect();
            let mut regions: Vec<&str> =
                regions.into_iter().filter(|one| !one.is_empty()).collect();
            regions.sort_unstable();
            let there = if regions.is_empty() { "none".to_owned() } else { regions.join(", ") };
            faults.push(fault(at, format!("no deployment is in this region; there are {there}")));
        } else if !seen.insert(region) {
            faults.push(fault(at, "the region is already in the list"));
        }
    }
}

fn check_places(
    policy: &RoutePolicy,
    rule: &RouteRule,
    known: &Known,
    at: &impl Fn(&str) -> String,
    faults: &mut Vec<PolicyFault>,
) {
    let mut seen = HashSet::new();
    for (nth, id) in rule.among.iter().enumerate() {
        let at = at(&format!("among/{nth}"));
        match known.place(*id) {
            None => faults.push(fault(at, format!("there is no deployment {id}"))),
            Some(_) if !seen.insert(id) => {
                faults.push(fault(at, format!("{id} is already in the list")));
            }
            Some(place) => faults.extend(outside(policy, place).map(|detail| fault(at, detail))),
        }
    }
    let is_meant = |place: &&KnownPlace| match rule.among.is_empty() {
        true => Some(place.model_id) == known.model,
        false => rule.among.contains(&place.id),
    };
    let mut meant = known.places.iter().filter(is_meant).peekable();
    // A rule whose names are all wrong was blamed above.
    if meant.peek().is_none() && !rule.among.is_empty() {
        return;
    }
    let meant: Vec<&KnownPlace> = meant.collect();
    if meant.iter().all(|place| place.weight == 0) {
        faults.push(fault(
            at("among"),
            "none of these deployments takes calls: give one a weight above 0, or enable it",
        ));
    } else if !meant.iter().any(|place| place.weight > 0 && is_in(policy, place)) {
        let detail = "none of these deployments that take calls is in one of `regions`";
        faults.push(fault(at("among"), detail));
    }
}

fn is_in(policy: &RoutePolicy, place: &KnownPlace) -> bool {
    policy.regions.is_empty() || policy.regions.contains(&place.region)
}

/// What is wrong with a place that is in none of the route's regions.
fn outside(policy: &RoutePolicy, place: &KnownPlace) -> Option<String> {
    let detail = || format!("{} is in {:?}, which is none of `regions`", place.id, place.region);
    (!is_in(policy, place)).then(detail)
}

fn check_split(
    policy: &RoutePolicy,
    split: &Split,
    known: &Known,
    at: &impl Fn(&str) -> String,
    faults: &mut Vec<PolicyFault>,
) {
    faults.extend(name(&split.name).map(|detail| fault(at("split/name"), detail)));
    if split.parts.is_empty() {
        faults.push(fault(at("split/parts"), "a split has at least one part"));
    }
    for (nth, part) in split.parts.iter().enumerate() {
        let at = at(&format!("split/parts/{nth}"));
        faults.extend(name(&part.name).map(|detail| fault(format!("{at}/name"), detail)));
        let id = part.deployment_id;
        let detail = match known.place(id) {
            None => Some(format!("there is no deployment {id}")),
            Some(place) => outside(policy, place),
        };
        faults.extend(detail.map(|detail| fault(format!("{at}/deployment_id"), detail)));
        if !(1..=WHOLE).contains(&u32::from(part.basis_points)) {
            let detail = "a part is 1 to 10000 hundredths of a percent";
            faults.push(fault(format!("{at}/basis_points"), detail));
        }
    }
    let sum: u32 = split.parts.iter().map(|part| u32::from(part.basis_points)).sum();
    if sum > WHOLE {
        let detail = format!("the parts are {sum} hundredths of a percent together, of 10000");
        faults.push(fault(at("split/parts"), detail));
    }
    let mut names = HashSet::new();
    if !split.parts.iter().all(|part| names.insert(&part.name)) {
        faults.push(fault(at("split/parts"), "each part has a name of its own"));
    }
}

fn check_fallbacks(policy: &RoutePolicy, known: &Known, faults: &mut Vec<PolicyFault>) {
    type List = fn(&Fallbacks) -> &Vec<ModelId>;
    let lists: [(&str, List); 3] = [
        ("general", |lists| &lists.general),
        ("context", |lists| &lists.context),
        ("content", |lists| &lists.content),
    ];
    for (list, of) in lists {
        let models = of(&policy.fallbacks);
        if models.len() > FALLBACKS_MAX {
            faults.push(fault(
                format!("/fallbacks/{list}"),
                format!("at most {FALLBACKS_MAX} models"),
            ));
        }
        let mut seen = HashSet::new();
        for (nth, id) in models.iter().enumerate() {
            let at = format!("/fallbacks/{list}/{nth}");
            if known.model == Some(*id) {
                faults.push(fault(at, "this is the model that the route is of"));
            } else if !known.models.contains(id) {
                let detail = format!("no model {id} of the same kind takes calls");
                faults.push(fault(at, detail));
            } else if !seen.insert(id) {
                faults.push(fault(at, format!("{id} is already in the list")));
            } else if let Some(way) = way_back(*id, known, of) {
                let way: Vec<String> = way.iter().map(ModelId::to_string).collect();
                let detail = format!(
                    "this makes a loop: by their own routes calls come back to this model over {}",
                    way.join(", ")
                );
                faults.push(fault(at, detail));
            }
        }
    }
}

/// The models over which `from` falls back to the route's own model.
fn way_back(
    from: ModelId,
    known: &Known,
    of: fn(&Fallbacks) -> &Vec<ModelId>,
) -> Option<Vec<ModelId>> {
    let goal = known.model?;
    let mut came_from: HashMap<ModelId, Option<ModelId>> = HashMap::from([(from, None)]);
    let mut open = vec![from];
    while let Some(model) = open.pop() {
        for next in known.fallbacks.get(&model).map(of).into_iter().flatten() {
            if *next == goal {
                let mut way: Vec<ModelId> =
                    std::iter::successors(Some(model), |at| came_from.get(at).copied()?).collect();
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(*next, Some(model));
                open.push(*next);
            }
        }
    }
    None
}

fn check_bounds(policy: &RoutePolicy, faults: &mut Vec<PolicyFault>) {
    let bounds = &policy.bounds;
    for (field, value, min, max) in [
        ("deadline_ms", bounds.deadline_ms, 100, 3_600_000),
        ("attempts_max", bounds.attempts_max.map(u32::from), 1, 10),
        ("first_content_ms", bounds.first_content_ms, 100, 600_000),
    ] {
        if value.is_some_and(|value| !(min..=max).contains(&value)) {
            faults.push(fault(format!("/bounds/{field}"), format!("use {min} to {max}")));
        }
    }
}

fn name(text: &str) -> Option<String> {
    let fits = (1..=NAME_MAX).contains(&text.chars().count()) && text.trim() == text;
    let clean = !text.chars().any(char::is_control);
    (!fits || !clean)
        .then(|| format!("a name is 1 to {NAME_MAX} characters, without spaces around"))
}

#[cfg(test)]
mod tests;
