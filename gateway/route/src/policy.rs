//! A policy as it is used: compiled once, so that a call only evaluates it.

use crate::check::{PolicyFault, fault};
use crate::expr::{Expr, Facts};
use contract::id::{DeploymentId, ModelId};
use contract::snapshot::{RoutePolicy, RouteRule, Sticky};

/// A policy whose conditions are read.
#[derive(Debug, Clone)]
pub struct Policy {
    pub source: RoutePolicy,
    /// The model whose deployments a rule has that names none; absent: all candidates are its own.
    pub model: Option<ModelId>,
    conditions: Vec<Option<Expr>>,
    /// What each rule names and in which place, by id.
    named: Vec<Vec<(DeploymentId, usize)>>,
}

impl Policy {
    /// Reads the conditions.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn compile(source: RoutePolicy, model: Option<ModelId>) -> Result<Self, PolicyFault> {
        let mut conditions = Vec::with_capacity(source.rules.len());
        for (nth, rule) in source.rules.iter().enumerate() {
            let read = rule.when.as_deref().map(Expr::parse).transpose();
            conditions.push(read.map_err(|error| fault(format!("/rules/{nth}/when"), error))?);
        }
        let named = source.rules.iter().map(|rule| {
            let of_tiers = rule.tiers.iter().flat_map(|tier| &tier.among);
            let ranked = rule.among.iter().chain(of_tiers).enumerate();
            let ranked = ranked.map(|(place, id)| (*id, place));
            let mut ranked: Vec<_> = ranked.collect();
            ranked.sort_unstable();
            ranked
        });
        let named = named.collect();
        Ok(Self { source, model, conditions, named })
    }

    /// By weight, and what `source` says beside its rules.
    #[must_use]
    pub fn unruled(source: &RoutePolicy, model: Option<ModelId>) -> Self {
        let rules = RoutePolicy::default().rules;
        let (conditions, named) = (vec![None; rules.len()], vec![Vec::new(); rules.len()]);
        Self { source: RoutePolicy { rules, ..source.clone() }, model, conditions, named }
    }

    /// The rule for a call, and its number.
    #[must_use]
    pub fn rule(&self, facts: &impl Facts) -> Option<(usize, &RouteRule)> {
        let matches = |condition: &Option<Expr>| condition.as_ref().is_none_or(|c| c.holds(facts));
        let nth = self.conditions.iter().position(matches)?;
        Some((nth, self.source.rules.get(nth)?))
    }

    /// Which place a rule gives a deployment; nothing where it does not name it.
    #[must_use]
    pub fn rank(&self, rule: usize, id: Option<DeploymentId>) -> Option<usize> {
        let named = self.named.get(rule)?;
        let at = named.binary_search_by_key(&id?, |(id, _)| *id).ok()?;
        named.get(at).map(|(_, place)| *place)
    }

    /// The headers that it looks at.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let asked = self.conditions.iter().flatten().flat_map(Expr::headers);
        let sticky = self.source.rules.iter().filter_map(|rule| match &rule.sticky {
            Some(Sticky::Header(name)) => Some(name.as_str()),
            _ => None,
        });
        asked.chain(sticky)
    }

    /// Every deployment that some rule names, also for a part of its calls or for copies of them.
    pub fn deployments(&self) -> impl Iterator<Item = DeploymentId> {
        self.source.rules.iter().flat_map(|rule| {
            let parts = rule.split.iter().flat_map(|split| &split.parts);
            let parts = parts.map(|part| part.deployment_id);
            let of_tiers = rule.tiers.iter().flat_map(|tier| tier.among.iter().copied());
            let shadow = rule.shadow.map(|shadow| shadow.deployment_id);
            rule.among.iter().copied().chain(of_tiers).chain(parts).chain(shadow)
        })
    }
}
