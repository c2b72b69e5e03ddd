//! What a gateway must know to serve a request, one record per object. The backend writes them,
//! gateways keep them in memory; new fields are optional so that an old gateway reads new records
//! and a new gateway old ones.

#[macro_use]
mod words;
mod cache;
mod catalog;
mod life;
mod limit;
mod pool;
mod predict;
mod route;
mod tag;
mod tenant;
mod window;

pub use cache::{
    ALIKE_MAX, ALIKE_MIN, CACHE_TTL_MAX_S, CacheExact, CachePolicy, CacheScope, CacheSemantic,
    Purges, WHOLE,
};
pub use catalog::{
    Auth, DeploymentRecord, Dialect, Feature, Lifecycle, Modality, ModelRecord, PlanRecord,
    PriceRecord, ProductKind, ProductRecord, ProviderRecord, ProviderSettings,
};
pub use life::{
    AliasRecord, BrownOut, BrownOutAnswer, CutOver, LEADS_MAX, Lead, Life, PIN, VersionLife,
};
pub use limit::{
    AtLimit, LimitKind, LimitRecord, LimitScope, Metric, Override, SpentBefore, WithoutRedis,
};
pub use pool::{
    Discovery, POOL_QUEUE_MAX, POOL_WAIT_MAX_MS, PRIORITY_MAX, PoolPolicy, PoolQueue, REPLICAS_MAX,
    ReplicaServer, SCRAPE_MS,
};
pub use predict::{DATATYPES, Layout, PredictMap, PredictOutput};
pub use route::{
    Fallbacks, Pick, RULES_MAX, RouteBounds, RoutePolicy, RouteRecord, RouteRule, Shadow, Skip,
    Split, SplitPart, Sticky, Tier,
};
pub use tag::{TAG_NAME_MAX, TAG_VALUE_MAX, TAGS_MAX, Tag, TagFault};
pub use tenant::{
    AppRecord, KeyRecord, KeySecret, OrgRecord, SubscriptionRecord, SubscriptionState,
};
pub use window::{UnknownZone, Window, Zone};

use serde::{Deserialize, Serialize};

macro_rules! records {
    ($($name:ident($record:ident) = $text:literal;)*) => {
        /// The kinds of record in a snapshot.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($name,)* }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }

        /// One object as gateways see it.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Record { $($name($record),)* }

        impl Record {
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$name(_) => Kind::$name,)* }
            }

            /// The record's id, in text form.
            #[must_use]
            pub fn id(&self) -> String {
                match self { $(Self::$name(record) => record.id.to_string(),)* }
            }
        }
    };
}

records! {
    Org(OrgRecord) = "org";
    App(AppRecord) = "app";
    Key(KeyRecord) = "key";
    Subscription(SubscriptionRecord) = "subscription";
    Provider(ProviderRecord) = "provider";
    Model(ModelRecord) = "model";
    Deployment(DeploymentRecord) = "deployment";
    Price(PriceRecord) = "price";
    Product(ProductRecord) = "product";
    Plan(PlanRecord) = "plan";
    Limit(LimitRecord) = "limit";
    Route(RouteRecord) = "route";
    Alias(AliasRecord) = "alias";
}
