//! Routes: where the calls of a model go. Operators have those of the platform under
//! `/v1/admin/routes`, an org has its own under `/v1/orgs/{org}/routes`; both have the same shapes.

use super::lifecycle::BrownOut;
use super::shape;
use crate::channel::BreakerState;
use crate::id::{DeploymentId, ModelId, OrgId, RequestId, RouteId, RouteVersionId};
use crate::money::Usd;
use crate::snapshot::{RoutePolicy, Skip};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

shape! {
    pub struct Route {
        pub id: RouteId,
        /// Whose calls; absent: everybody's who has none of their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub org_id: Option<OrgId>,
        /// Permanent.
        pub model_id: ModelId,
        pub model_name: String,
        /// Of the newest version.
        pub policy: RoutePolicy,
        /// The newest version's.
        pub number: u32,
        /// The version that counts for calls; absent: none does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub active: Option<u32>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    pub struct CreateRoute {
        pub model_id: ModelId,
        pub policy: RoutePolicy,
        /// What it is for, up to 200 characters.
        #[serde(default)]
        pub note: String,
        /// Whether it counts at once.
        #[serde(default)]
        pub activate: bool,
    }

    /// `PATCH …/routes/{route}`: makes a new version; the others stay as they are.
    pub struct UpdateRoute {
        pub policy: RoutePolicy,
        /// What changed, up to 200 characters.
        #[serde(default)]
        pub note: String,
        /// Whether it counts at once; else the version that counted goes on doing so.
        #[serde(default)]
        pub activate: bool,
    }

    /// `PATCH …/routes/{route}/active`: which version counts, an earlier one too.
    pub struct ActivateRoute {
        /// Null: none, and calls go as if there were no route.
        #[serde(default)]
        pub active: Option<u32>,
    }

    /// A version is never changed.
    pub struct RouteVersion {
        pub id: RouteVersionId,
        pub number: u32,
        pub policy: RoutePolicy,
        pub note: String,
        pub created_by_name: String,
        pub created_at: DateTime<Utc>,
    }

    /// `GET /v1/orgs/{org}/routes/places`: a deployment that the org's routes may name.
    pub struct RoutePlace {
        pub deployment_id: DeploymentId,
        pub model_id: ModelId,
        pub model_name: String,
        pub region: String,
        /// 0 where it takes no calls.
        pub weight: u32,
    }

    /// `POST /v1/routes/explain`: where a call would go, and why.
    pub struct ExplainRoute {
        /// As callers name it.
        pub model: String,
        /// Whose call, slug or id. Only operators may leave it out.
        #[serde(default)]
        pub org: Option<String>,
        /// A draft; absent: what counts now.
        #[serde(default)]
        pub policy: Option<RoutePolicy>,
        #[serde(default)]
        pub call: RouteCall,
        /// A call that was made: says whether a brown-out of now refuses it.
        #[serde(default)]
        pub request_id: Option<RequestId>,
    }

    pub struct RouteExplained {
        /// What decided; both absent where there is no route, or a draft did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub route_id: Option<RouteId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub number: Option<u32>,
        /// The model that the name leads to.
        #[serde(default)]
        pub model_name: String,
        /// The label of the version that answers; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub model_version: Option<String>,
        /// The brown-out that the model is in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub brown_out: Option<BrownOut>,
        /// Whether the brown-out refuses the call of the id that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is_browned_out: Option<bool>,
        /// The rules up to the one that matched, which is the last of them.
        pub rules: Vec<RuleSeen>,
        /// The part of the rule's split that the call is in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub part: Option<String>,
        /// How hard the call looks, from 0 to 100.
        pub complexity: u8,
        /// In the order in which they would be tried; those left out at the end.
        pub places: Vec<PlaceSeen>,
        /// Gateways whose word was heeded on how deployments do. Absent: none can be heard, and all
        /// are taken for well and idle.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub gateways: Option<u32>,
        /// Absent: the call would be answered. Else why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub refused: Option<String>,
    }

    pub struct RuleSeen {
        pub name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub when: Option<String>,
        pub matched: bool,
    }

    pub struct PlaceSeen {
        pub deployment_id: DeploymentId,
        pub model_name: String,
        pub region: String,
        /// The label of the version that answers there; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub model_version: Option<String>,
        pub weight: u32,
        /// Of 1,000 such calls, how many would come here first.
        pub first_of_1000: u16,
        /// What such a call costs by list price.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cost_usd: Option<Usd>,
        /// Why it is not used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub skipped: Option<Skip>,
        /// How it lately did; absent: no gateway has called it lately.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub health: Option<PlaceHealth>,
    }

    /// `GET …/routes/{route}/outcomes`: what became of calls, by the way they were planned. Answers
    /// that another call made are not counted.
    pub struct RouteOutcomes {
        pub from: DateTime<Utc>,
        pub to: DateTime<Utc>,
        /// Newest version first; of a rule what is in no part of its split in front, then its parts,
        /// then the copies of its calls.
        pub sides: Vec<RouteSide>,
        /// Each side beside the first one of its rule.
        pub comparisons: Vec<RouteComparison>,
        /// How sides are compared.
        pub method: String,
    }

    pub struct RouteSide {
        /// The route's version.
        pub number: u32,
        pub rule: String,
        /// The part of the rule's split; absent: in none of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub part: Option<String>,
        /// These are copies of the rule's calls.
        pub shadow: bool,
        pub calls: u64,
        /// That no place answered whole.
        pub errors: u64,
        /// That needed more than one attempt.
        pub retried: u64,
        /// Of calls that were answered whole, to within two fifths.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub p50_ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub p95_ms: Option<u64>,
        /// Of streams, to within two fifths.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub first_content_p50_ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub first_content_p95_ms: Option<u64>,
        pub input_tokens: u64,
        pub output_tokens: u64,
        /// By their prices, whoever bears it.
        pub cost_usd: Usd,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mean_cost_usd: Option<Usd>,
    }

    pub struct RouteComparison {
        pub number: u32,
        pub rule: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub part: Option<String>,
        pub shadow: bool,
        /// The part that it is set beside; absent: the calls in none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub against: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub errors: Option<ErrorDifference>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mean_cost: Option<CostDifference>,
    }

    /// By how many more of a million calls fail.
    pub struct ErrorDifference {
        pub per_million: i64,
        pub low: i64,
        pub high: i64,
        /// The interval does not hold zero.
        pub is_sure: bool,
    }

    /// By how much more a call costs.
    pub struct CostDifference {
        pub usd: Usd,
        pub low: Usd,
        pub high: Usd,
        pub is_sure: bool,
    }

    pub struct PlaceHealth {
        /// The worst that a gateway says.
        pub breaker: BreakerState,
        /// What it gets of its weight, of all gateways together.
        pub share_percent: u8,
        /// To the first content of a stream, else to the whole answer, lately and at worst.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub latency_ms: Option<u64>,
        /// Calls that it works on; told to operators.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub in_flight: Option<u64>,
    }
}

/// A call as routes see it. What is left out is empty, zero or false.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouteCall {
    pub team: String,
    pub app: String,
    pub key: String,
    pub plan: String,
    /// Absent: as the model's kind has it.
    pub operation: String,
    pub dialect: String,
    pub user: String,
    pub header: BTreeMap<String, String>,
    pub metadata: BTreeMap<String, String>,
    pub tag: BTreeMap<String, String>,
    pub input_tokens: u32,
    pub output_tokens_max: u32,
    pub messages: u32,
    pub tools: u32,
    pub images: u32,
    pub audio: bool,
    pub stream: bool,
    pub structured: bool,
    pub reasoning: bool,
    /// Of the day in UTC, 0 to 23; absent: now.
    pub hour: Option<u8>,
}
