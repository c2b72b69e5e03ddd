//! The snapshot itself: tables of records and the views that requests look into. Changing it
//! makes a new one that shares everything untouched.

use super::names::Names;
use super::routes::{RouteView, Routes, compile};
use super::table::{Entry, Map, Moved, Table};
use super::view::{DeploymentView, ModelView, ProviderView};
use crate::health::Health;
use crate::pool::Pools;
use contract::Timestamp;
use contract::channel::{Change, Stored};
use contract::id::{AppId, ModelId, OrgId, PlanId, ProductId, ProviderId, RouteId};
use contract::seal::MasterKey;
use contract::snapshot::{
    AliasRecord, AppRecord, DeploymentRecord, KeyRecord, Kind, LimitRecord, LimitScope,
    ModelRecord, OrgRecord, PlanRecord, PriceRecord, ProductRecord, ProviderRecord, Record,
    RouteRecord, SubscriptionRecord,
};
use http::HeaderName;
use route::plan::Features;
use route::policy::Policy;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

type Groups<K, R> = Map<K, Arc<[Arc<R>]>>;

/// Everything a gateway knows, at one version.
#[derive(Clone)]
pub struct Snapshot {
    version: u64,
    master: Arc<MasterKey>,
    /// Every snapshot of a gateway has the same, and the same pools.
    health: Health,
    pools: Pools,

    orgs: Table<OrgRecord>,
    apps: Table<AppRecord>,
    keys: Table<KeyRecord>,
    subscriptions: Table<SubscriptionRecord>,
    providers: Table<ProviderRecord>,
    models: Table<ModelRecord>,
    deployments: Table<DeploymentRecord>,
    prices: Table<PriceRecord>,
    products: Table<ProductRecord>,
    plans: Table<PlanRecord>,
    limits: Table<LimitRecord>,
    routes: Table<RouteRecord>,
    aliases: Table<AliasRecord>,

    key_by_public_id: Map<Box<str>, Arc<KeyRecord>>,
    subscriptions_by_app: Groups<AppId, SubscriptionRecord>,
    limits_by_scope: Groups<LimitScope, LimitRecord>,
    /// Newest first.
    prices_by_model: Groups<(ModelId, Option<PlanId>), PriceRecord>,
    provider_views: Map<ProviderId, Arc<ProviderView>>,
    names: Arc<Names>,
    /// By name.
    model_list: Arc<[Arc<ModelView>]>,
    policies: Map<RouteId, Arc<Policy>>,
    route_views: Arc<Routes>,
}

/// What a change of one record asks to be put together again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touched {
    Nothing,
    ModelViews,
}

impl Snapshot {
    /// Nothing known yet: version 0. `master` opens the providers' credentials.
    #[must_use]
    pub fn empty(master: Arc<MasterKey>, health: Health) -> Self {
        Self {
            version: 0,
            master,
            pools: Pools::new(health.rule()),
            health,
            orgs: Table::default(),
            apps: Table::default(),
            keys: Table::default(),
            subscriptions: Table::default(),
            providers: Table::default(),
            models: Table::default(),
            deployments: Table::default(),
            prices: Table::default(),
            products: Table::default(),
            plans: Table::default(),
            limits: Table::default(),
            routes: Table::default(),
            aliases: Table::default(),
            key_by_public_id: Map::default(),
            subscriptions_by_app: Map::default(),
            limits_by_scope: Map::default(),
            prices_by_model: Map::default(),
            provider_views: Map::default(),
            names: Arc::default(),
            model_list: Arc::new([]),
            policies: Map::default(),
            route_views: Arc::default(),
        }
    }

    /// A whole snapshot of `version`, from records and the versions that wrote them. What this one
    /// holds is left out, but not how well its deployments are.
    #[must_use]
    pub fn rebuilt(&self, version: u64, records: impl IntoIterator<Item = Stored>) -> Self {
        let mut next = Self {
            pools: self.pools.clone(),
            ..Self::empty(Arc::clone(&self.master), self.health.clone())
        };
        for stored in records {
            let (kind, id) = (stored.record.kind(), stored.record.id());
            next.put(kind, &id, stored.version, Some(stored.record));
        }
        next.assemble_models();
        next.version = version;
        next
    }

    /// A snapshot of plain records, at version 1. For tests and tools.
    #[must_use]
    pub fn of(master: Arc<MasterKey>, records: impl IntoIterator<Item = Record>) -> Self {
        let stored = records.into_iter().map(|record| Stored { version: 1, record });
        Self::empty(master, Health::default()).rebuilt(1, stored)
    }

    /// The snapshot at `version`, after `changes`. A change that is not newer than the record it
    /// names is ignored, and the version never goes back.
    #[must_use]
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>, version: u64) -> Self {
        let mut next = self.clone();
        let mut touched = Touched::Nothing;
        for change in changes {
            if next.put(change.kind, &change.id, change.version, change.record)
                == Touched::ModelViews
            {
                touched = Touched::ModelViews;
            }
        }
        next.version = next.version.max(version);
        if touched == Touched::ModelViews {
            next.assemble_models();
        }
        next
    }

    /// The version of the newest change in it; 0 when nothing has arrived.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The key with this public id, also when revoked or expired.
    #[must_use]
    pub fn key(&self, public_id: &str) -> Option<&Arc<KeyRecord>> {
        self.key_by_public_id.get(public_id)
    }

    #[must_use]
    pub fn org(&self, id: OrgId) -> Option<&Arc<OrgRecord>> {
        self.orgs.get(id)
    }

    #[must_use]
    pub fn app(&self, id: AppId) -> Option<&Arc<AppRecord>> {
        self.apps.get(id)
    }

    #[must_use]
    pub fn plan(&self, id: PlanId) -> Option<&Arc<PlanRecord>> {
        self.plans.get(id)
    }

    #[must_use]
    pub fn product(&self, id: ProductId) -> Option<&Arc<ProductRecord>> {
        self.products.get(id)
    }

    /// The model of a name of its own, in any state of its life.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Arc<ModelView>> {
        self.names.models.get(name)
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Every model, by name.
    #[must_use]
    pub fn models(&self) -> &[Arc<ModelView>] {
        &self.model_list
    }

    /// The provider of a slug. There are few.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Arc<ProviderView>> {
        self.provider_views.values().find(|view| view.record.slug == slug)
    }

    /// The providers that are pools.
    pub fn pools(&self) -> impl Iterator<Item = &Arc<ProviderView>> {
        self.provider_views.values().filter(|view| view.pool.is_some())
    }

    /// An app's subscriptions, in any state, oldest first.
    #[must_use]
    pub fn subscriptions(&self, app: AppId) -> &[Arc<SubscriptionRecord>] {
        self.subscriptions_by_app.get(&app).map_or(&[], |group| group)
    }

    /// The limits on `scope`, oldest first.
    #[must_use]
    pub fn limits(&self, scope: LimitScope) -> &[Arc<LimitRecord>] {
        self.limits_by_scope.get(&scope).map_or(&[], |group| group)
    }

    /// What a model costs on a plan at an instant: the newest price in force that names the
    /// plan, else the newest one in force without a plan.
    #[must_use]
    pub fn price(&self, model: ModelId, plan: PlanId, at: Timestamp) -> Option<&Arc<PriceRecord>> {
        let in_force = |plan| {
            let group = self.prices_by_model.get(&(model, plan))?;
            group.iter().find(|price| price.effective_from <= at)
        };
        in_force(Some(plan)).or_else(|| in_force(None))
    }

    /// The route of an org's calls of a model: its own, else the platform's.
    #[must_use]
    pub fn route(&self, model: ModelId, org: OrgId) -> Option<&RouteView> {
        self.route_views.of(model, org)
    }

    /// Whether some route looks at a header.
    #[must_use]
    pub fn routes_look_at(&self, header: &HeaderName) -> bool {
        self.route_views.look_at(header)
    }

    /// A route by its id.
    pub(super) fn route_record(&self, id: RouteId) -> Option<&Arc<RouteRecord>> {
        self.routes.get(id)
    }

    /// A limit by its id.
    pub(super) fn limit(&self, id: contract::id::LimitId) -> Option<&Arc<LimitRecord>> {
        self.limits.get(id)
    }

    /// Every live record, to be written down.
    pub(super) fn stored(&self) -> Vec<Stored> {
        let mut all = Vec::new();
        collect(&self.orgs, &mut all);
        collect(&self.apps, &mut all);
        collect(&self.keys, &mut all);
        collect(&self.subscriptions, &mut all);
        collect(&self.providers, &mut all);
        collect(&self.models, &mut all);
        collect(&self.deployments, &mut all);
        collect(&self.prices, &mut all);
        collect(&self.products, &mut all);
        collect(&self.plans, &mut all);
        collect(&self.limits, &mut all);
        collect(&self.routes, &mut all);
        collect(&self.aliases, &mut all);
        all
    }

    fn put(&mut self, kind: Kind, id: &str, version: u64, record: Option<Record>) -> Touched {
        match kind {
            Kind::Org => {
                put(&mut self.orgs, id, version, record);
            }
            Kind::App => {
                put(&mut self.apps, id, version, record);
            }
            Kind::Plan => {
                put(&mut self.plans, id, version, record);
            }
            Kind::Key => {
                if let Some(moved) = put(&mut self.keys, id, version, record) {
                    self.index_key(moved);
                }
            }
            Kind::Subscription => {
                if let Some(moved) = put(&mut self.subscriptions, id, version, record) {
                    let groups = &mut self.subscriptions_by_app;
                    regroup(groups, moved, |one| one.app_id, |group| group.sort_by_key(|s| s.id));
                }
            }
            Kind::Limit => {
                if let Some(moved) = put(&mut self.limits, id, version, record) {
                    let groups = &mut self.limits_by_scope;
                    regroup(groups, moved, |one| one.scope, |group| group.sort_by_key(|l| l.id));
                }
            }
            Kind::Price => {
                if let Some(moved) = put(&mut self.prices, id, version, record) {
                    let key = |price: &PriceRecord| (price.model_id, price.plan_id);
                    regroup(&mut self.prices_by_model, moved, key, |group| {
                        group.sort_by_key(|p| std::cmp::Reverse((p.effective_from, p.id)));
                    });
                }
            }
            Kind::Provider => {
                if let Some(moved) = put(&mut self.providers, id, version, record) {
                    self.open_provider(moved);
                }
                return Touched::ModelViews;
            }
            Kind::Model => {
                put(&mut self.models, id, version, record);
                return Touched::ModelViews;
            }
            Kind::Deployment => {
                put(&mut self.deployments, id, version, record);
                return Touched::ModelViews;
            }
            Kind::Product => {
                put(&mut self.products, id, version, record);
                return Touched::ModelViews;
            }
            Kind::Alias => {
                put(&mut self.aliases, id, version, record);
                return Touched::ModelViews;
            }
            Kind::Route => {
                if let Some(moved) = put(&mut self.routes, id, version, record) {
                    self.read_route(moved);
                }
                return Touched::ModelViews;
            }
        }
        Touched::Nothing
    }

    fn index_key(&mut self, moved: Moved<KeyRecord>) {
        if let Some(before) = moved.before {
            self.key_by_public_id.remove(before.public_id.as_str());
        }
        if let Some(after) = moved.after {
            self.key_by_public_id.insert(after.public_id.as_str().into(), after);
        }
    }

    fn open_provider(&mut self, moved: Moved<ProviderRecord>) {
        if let Some(before) = moved.before {
            self.provider_views.remove(&before.id);
        }
        if let Some(after) = moved.after {
            let pool = self.pools.of(&after);
            let view = ProviderView::new(Arc::clone(&after), &self.master, pool);
            self.provider_views.insert(after.id, Arc::new(view));
        }
    }

    fn read_route(&mut self, moved: Moved<RouteRecord>) {
        if let Some(before) = moved.before {
            self.policies.remove(&before.id);
        }
        if let Some(after) = moved.after {
            self.policies.insert(after.id, compile(&after));
        }
    }

    /// A deployment whose provider is known.
    fn deployment(&self, record: &Arc<DeploymentRecord>) -> Option<DeploymentView> {
        let provider = self.provider_views.get(&record.provider_id)?;
        let of_model = self.models.get(record.model_id).map_or(0, |model| model.context_tokens_max);
        let own = record.context_tokens_max;
        Some(DeploymentView {
            record: Arc::clone(record),
            provider: Arc::clone(provider),
            context_tokens_max: if own == 0 { of_model } else { own },
            lacks: Features::of(&record.lacks),
            pulse: self.health.pulse(record.id),
        })
    }

    /// Puts every model's view together again. The catalogue is small and changes rarely.
    fn assemble_models(&mut self) {
        let mut deployments: HashMap<ModelId, Vec<DeploymentView>> = HashMap::new();
        for record in self.deployments.iter() {
            if let Some(view) = self.deployment(record) {
                deployments.entry(record.model_id).or_default().push(view);
            }
        }
        let mut products: HashMap<ModelId, Vec<ProductId>> = HashMap::new();
        for product in self.products.iter() {
            for model_id in &product.model_ids {
                products.entry(*model_id).or_default().push(product.id);
            }
        }
        let mut list: Vec<Arc<ModelView>> = Vec::new();
        for record in self.models.iter() {
            let mut deployments = deployments.remove(&record.id).unwrap_or_default();
            deployments.sort_by_key(|view| view.record.id);
            let mut product_ids = products.remove(&record.id).unwrap_or_default();
            product_ids.sort_unstable();
            list.push(Arc::new(ModelView {
                record: Arc::clone(record),
                deployments,
                product_ids,
                retries: self.health.retries(record.id),
            }));
        }
        list.sort_by(|a, b| (&a.record.name, a.record.id).cmp(&(&b.record.name, b.record.id)));
        self.names = Arc::new(Names::assemble(&list, self.aliases.iter()));
        self.model_list = list.into();
        let routes = self.routes.iter();
        let routes =
            routes.filter_map(|record| Some((record, Arc::clone(self.policies.get(&record.id)?))));
        let find = |id| self.deployments.get(id).and_then(|record| self.deployment(record));
        self.route_views = Arc::new(Routes::assemble(routes, find));
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot(version {})", self.version)
    }
}

/// Puts a record into its table; `None` when nothing changed. What does not belong there is
/// reported and left out.
fn put<R: Entry>(
    table: &mut Table<R>,
    id: &str,
    version: u64,
    record: Option<Record>,
) -> Option<Moved<R>> {
    let Ok(parsed) = id.parse::<R::Id>() else {
        tracing::error!(id, version, "a change names an object by an id that is not one");
        return None;
    };
    let record = match record {
        None => None,
        Some(record) => match R::of(record) {
            Some(record) if record.id() == parsed => Some(record),
            _ => {
                tracing::error!(id, version, "a change carries a record of another object");
                return None;
            }
        },
    };
    table.put(parsed, version, record)
}

/// Moves a record between the groups of a view.
fn regroup<K: Copy + Eq + Hash, R: Entry>(
    groups: &mut Groups<K, R>,
    moved: Moved<R>,
    key: impl Fn(&R) -> K,
    sort: impl Fn(&mut [Arc<R>]),
) {
    let without = |group: &[Arc<R>], id: R::Id| -> Vec<Arc<R>> {
        group.iter().filter(|one| one.id() != id).cloned().collect()
    };
    if let Some(before) = moved.before {
        let at = key(&before);
        let rest = groups.get(&at).map(|group| without(group, before.id())).unwrap_or_default();
        if rest.is_empty() {
            groups.remove(&at);
        } else {
            groups.insert(at, rest.into());
        }
    }
    if let Some(after) = moved.after {
        let at = key(&after);
        let mut group = groups.get(&at).map(|group| group.to_vec()).unwrap_or_default();
        group.push(after);
        sort(&mut group);
        groups.insert(at, group.into());
    }
}

fn collect<R: Entry + Clone>(table: &Table<R>, all: &mut Vec<Stored>) {
    for (version, record) in table.versions() {
        all.push(Stored { version, record: R::wrap(R::clone(record)) });
    }
}
