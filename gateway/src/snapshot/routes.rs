//! Routes as a plan uses them, put together when a record changes: conditions read, and what they
//! name of other models found.

use super::view::DeploymentView;
use contract::id::{DeploymentId, ModelId, OrgId};
use contract::snapshot::RouteRecord;
use http::HeaderName;
use route::policy::Policy;
use std::collections::HashMap;
use std::sync::Arc;

/// Where the calls of a model go.
#[derive(Debug, Clone)]
pub struct RouteView {
    pub record: Arc<RouteRecord>,
    pub policy: Arc<Policy>,
    /// What it names of other models.
    pub others: Vec<DeploymentView>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Routes {
    by_model: HashMap<(ModelId, Option<OrgId>), RouteView>,
    /// What they look at of a call's head.
    headers: Vec<HeaderName>,
}

impl Routes {
    /// `find` gives a deployment with its provider.
    pub(super) fn assemble<'a>(
        routes: impl Iterator<Item = (&'a Arc<RouteRecord>, Arc<Policy>)>,
        find: impl Fn(DeploymentId) -> Option<DeploymentView>,
    ) -> Self {
        let mut all = Self::default();
        for (record, policy) in routes {
            let of_others = |one: &DeploymentView| one.record.model_id != record.model_id;
            let mut others: Vec<_> =
                policy.deployments().filter_map(&find).filter(of_others).collect();
            others.sort_by_key(|one| one.record.id);
            others.dedup_by_key(|one| one.record.id);
            all.headers.extend(policy.headers().filter_map(|name| name.parse::<HeaderName>().ok()));
            let view = RouteView { record: Arc::clone(record), policy, others };
            all.by_model.insert((record.model_id, record.org_id), view);
        }
        all.headers.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        all.headers.dedup();
        all
    }

    /// The route of an org's calls of a model: its own, else the platform's.
    #[must_use]
    pub fn of(&self, model: ModelId, org: OrgId) -> Option<&RouteView> {
        let own = self.by_model.get(&(model, Some(org)));
        own.or_else(|| self.by_model.get(&(model, None)))
    }

    /// Whether some route looks at a header.
    #[must_use]
    pub fn look_at(&self, name: &HeaderName) -> bool {
        self.headers.binary_search_by(|one| one.as_str().cmp(name.as_str())).is_ok()
    }
}

/// Reads the conditions. A newer control plane may write some that this gateway cannot read: then
/// calls are spread by weight, and go to no other region than before.
pub(super) fn compile(record: &RouteRecord) -> Arc<Policy> {
    let (id, model) = (record.id, Some(record.model_id));
    let policy = Policy::compile(record.policy.clone(), model).unwrap_or_else(|fault| {
        tracing::error!(route_id = %id, %fault, "a route cannot be read; its rules do not count");
        Policy::unruled(&record.policy, model)
    });
    Arc::new(policy)
}
