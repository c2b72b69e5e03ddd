//! What is wrong with a rule's tiers, and with its shadow.

use super::{Known, PolicyFault, WHOLE, fault, is_in, outside};
use contract::snapshot::{RoutePolicy, RouteRule};
use std::collections::HashSet;

/// More tell nobody anything: the score itself is coarse.
const TIERS_MAX: usize = 10;
/// The most complex that a call can look.
const COMPLEXITY_MAX: u8 = 100;

pub(super) fn check_tiers(
    policy: &RoutePolicy,
    rule: &RouteRule,
    known: &Known,
    at: &impl Fn(&str) -> String,
    faults: &mut Vec<PolicyFault>,
) {
    if !rule.among.is_empty() {
        faults.push(fault(at("among"), "a rule with `tiers` names its deployments there"));
    }
    if !(2..=TIERS_MAX).contains(&rule.tiers.len()) {
        let detail = format!("a rule has 2 to {TIERS_MAX} tiers, or `among` in their place");
        faults.push(fault(at("tiers"), detail));
    }
    let mut seen = HashSet::new();
    let mut below = None;
    for (nth, tier) in rule.tiers.iter().enumerate() {
        let max = tier.complexity_max;
        let is_last = nth + 1 == rule.tiers.len();
        let detail = if below.is_some_and(|below| max <= below) {
            Some("each tier is for more complex calls than the one before".to_owned())
        } else if is_last != (max == COMPLEXITY_MAX) {
            Some(format!("the last tier's is {COMPLEXITY_MAX}, and only that one's"))
        } else {
            None
        };
        let at = |field: &str| at(&format!("tiers/{nth}/{field}"));
        faults.extend(detail.map(|detail| fault(at("complexity_max"), detail)));
        below = Some(max);
        if tier.among.is_empty() {
            faults.push(fault(at("among"), "a tier names at least one deployment"));
            continue;
        }
        let mut takes_calls = false;
        for (nth, id) in tier.among.iter().enumerate() {
            let at = at(&format!("among/{nth}"));
            match known.place(*id) {
                None => faults.push(fault(at, format!("there is no deployment {id}"))),
                Some(_) if !seen.insert(id) => {
                    faults.push(fault(at, format!("{id} is already in a tier of this rule")));
                }
                Some(place) => {
                    takes_calls |= place.weight > 0 && is_in(policy, place);
                    faults.extend(outside(policy, place).map(|detail| fault(at, detail)));
                }
            }
        }
        if !takes_calls && tier.among.iter().all(|id| known.place(*id).is_some()) {
            let detail = "none of these deployments takes calls: give one a weight above 0, or \
                          enable it";
            faults.push(fault(at("among"), detail));
        }
    }
}

pub(super) fn check_shadow(
    policy: &RoutePolicy,
    rule: &RouteRule,
    known: &Known,
    at: &impl Fn(&str) -> String,
    faults: &mut Vec<PolicyFault>,
) {
    let Some(shadow) = rule.shadow else { return };
    let id = shadow.deployment_id;
    let detail = match known.place(id) {
        None => Some(format!("there is no deployment {id}")),
        Some(_) if rule.among == [id] => Some(format!("all calls of this rule go to {id} already")),
        Some(place) => outside(policy, place),
    };
    faults.extend(detail.map(|detail| fault(at("shadow/deployment_id"), detail)));
    if !(1..=WHOLE).contains(&u32::from(shadow.basis_points)) {
        let detail = "a shadow gets 1 to 10000 hundredths of a percent of the calls";
        faults.push(fault(at("shadow/basis_points"), detail));
    }
}
