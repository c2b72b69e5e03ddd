//! By which route, rule and part of a split a call was planned, as its caller and its event tell it.

use crate::snapshot::{DeploymentView, RouteView};
use crate::text;
use contract::id::{DeploymentId, OrgId, RouteId};
use contract::usage::Routed;
use http::HeaderValue;
use route::policy::Policy;
use std::fmt::Write as _;
use std::sync::Arc;

/// What a call is told by that no rule decided.
const NO_RULE: &str = "default";

/// How a call was planned.
#[derive(Debug, Clone)]
pub struct Way {
    route: RouteId,
    version: u32,
    org: Option<OrgId>,
    policy: Arc<Policy>,
    /// The number of the rule; nothing: rules do not count for the call.
    rule: Option<usize>,
    /// The number of the part of the rule's split.
    part: Option<usize>,
    /// The place that gets a copy of the call.
    shadow: Option<Box<DeploymentView>>,
}

impl Way {
    pub(super) fn new(
        route: &RouteView,
        rule: Option<usize>,
        part: Option<usize>,
        shadow: Option<DeploymentView>,
    ) -> Self {
        Self {
            route: route.record.id,
            version: route.record.version,
            org: route.record.org_id,
            policy: Arc::clone(&route.policy),
            rule,
            part,
            shadow: shadow.map(Box::new),
        }
    }

    /// What `x-tollgate-route` says, of the place that answered in the `nth` attempt, from 1.
    #[must_use]
    pub fn header(&self, place: DeploymentId, nth: u16) -> HeaderValue {
        let mut told = String::with_capacity(128);
        let rule = visible(self.rule());
        _ = write!(told, "{}/{}; rule={rule}; ", self.route, self.version);
        if let Some((split, part)) = self.part() {
            _ = write!(told, "split={}/{}; ", visible(split), visible(part));
        }
        _ = write!(told, "place={place}; attempt={nth}");
        text::header(&[told.as_bytes()])
    }

    /// What the call's event says.
    #[must_use]
    pub fn routed(&self) -> Routed {
        Routed {
            route_id: self.route,
            number: self.version,
            rule: self.rule().to_owned(),
            part: self.part().map(|(_, part)| part.to_owned()),
        }
    }

    /// The place that gets a copy of the call, and whether the platform pays for it.
    #[must_use]
    pub fn shadow(&self) -> Option<(&DeploymentView, bool)> {
        Some((self.shadow.as_deref()?, self.org.is_none()))
    }

    /// Of the copy: the same rule, and no part of its split.
    #[must_use]
    pub fn of_copy(&self) -> Self {
        Self { part: None, shadow: None, ..self.clone() }
    }

    fn rule(&self) -> &str {
        let rule = self.rule.and_then(|nth| self.policy.source.rules.get(nth));
        rule.map_or(NO_RULE, |rule| &rule.name)
    }

    /// The split and its part.
    fn part(&self) -> Option<(&str, &str)> {
        let split = self.policy.source.rules.get(self.rule?)?.split.as_ref()?;
        Some((&split.name, &split.parts.get(self.part?)?.name))
    }
}

/// A name as a header can carry it.
fn visible(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_graphic() && !matches!(c, ';' | '/') { c } else { '_' };
    name.chars().map(safe).collect()
}
