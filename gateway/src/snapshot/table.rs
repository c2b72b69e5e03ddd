//! All objects of one kind, each with the version that wrote it. What is gone leaves a tombstone,
//! so that a late message never brings it back.

use crate::fold::Folded;
use contract::id::{
    AliasId, AppId, DeploymentId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId,
    ProviderId, RouteId, SubscriptionId,
};
use contract::snapshot::{
    AliasRecord, AppRecord, DeploymentRecord, KeyRecord, LimitRecord, ModelRecord, OrgRecord,
    PlanRecord, PriceRecord, ProductRecord, ProviderRecord, Record, RouteRecord,
    SubscriptionRecord,
};
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

/// A record type, with its place in [`Record`].
pub trait Entry: Sized {
    type Id: Copy + Eq + Hash + FromStr;
    fn id(&self) -> Self::Id;
    fn of(record: Record) -> Option<Self>;
    fn wrap(record: Self) -> Record;
}

macro_rules! entries {
    ($($variant:ident($record:ident, $id:ident);)*) => {$(
        impl Entry for $record {
            type Id = $id;
            fn id(&self) -> $id {
                self.id
            }
            fn of(record: Record) -> Option<Self> {
                match record {
                    Record::$variant(record) => Some(record),
                    _ => None,
                }
            }
            fn wrap(record: Self) -> Record {
                Record::$variant(record)
            }
        }
    )*};
}

entries! {
    Org(OrgRecord, OrgId);
    App(AppRecord, AppId);
    Key(KeyRecord, KeyId);
    Subscription(SubscriptionRecord, SubscriptionId);
    Provider(ProviderRecord, ProviderId);
    Model(ModelRecord, ModelId);
    Deployment(DeploymentRecord, DeploymentId);
    Price(PriceRecord, PriceId);
    Product(ProductRecord, ProductId);
    Plan(PlanRecord, PlanId);
    Limit(LimitRecord, LimitId);
    Route(RouteRecord, RouteId);
    Alias(AliasRecord, AliasId);
}

struct Held<R> {
    version: u64,
    /// Absent: the object is gone.
    record: Option<Arc<R>>,
}

impl<R> Clone for Held<R> {
    fn clone(&self) -> Self {
        Self { version: self.version, record: self.record.clone() }
    }
}

pub struct Table<R: Entry>(Map<R::Id, Held<R>>);

/// A map that a changed copy shares everything untouched with.
pub type Map<K, V> = imbl::GenericHashMap<K, V, Folded, imbl::shared_ptr::DefaultSharedPtr>;

impl<R: Entry> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Entry> Default for Table<R> {
    fn default() -> Self {
        Self(Map::default())
    }
}

/// What a change did: the record that was there, and the one that is there now.
pub struct Moved<R> {
    pub before: Option<Arc<R>>,
    pub after: Option<Arc<R>>,
}

impl<R: Entry> Table<R> {
    pub fn get(&self, id: R::Id) -> Option<&Arc<R>> {
        self.0.get(&id)?.record.as_ref()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<R>> {
        self.0.values().filter_map(|held| held.record.as_ref())
    }

    /// Every live record with its version.
    pub fn versions(&self) -> impl Iterator<Item = (u64, &Arc<R>)> {
        self.0.values().filter_map(|held| Some((held.version, held.record.as_ref()?)))
    }

    /// Puts what `version` says of `id`; `None` when something as new or newer is held.
    pub fn put(&mut self, id: R::Id, version: u64, record: Option<R>) -> Option<Moved<R>> {
        let held = self.0.get(&id);
        if held.is_some_and(|held| held.version >= version) {
            return None;
        }
        let before = held.and_then(|held| held.record.clone());
        let after = record.map(Arc::new);
        self.0.insert(id, Held { version, record: after.clone() });
        Some(Moved { before, after })
    }
}
