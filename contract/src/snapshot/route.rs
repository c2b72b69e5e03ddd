//! Routes: where the calls of a model go. The platform has one for each model, and an org may have
//! its own, which then counts for its calls.

use crate::id::{DeploymentId, ModelId, OrgId, RouteId};
use serde::{Deserialize, Serialize};

/// Rules of one route at most.
pub const RULES_MAX: usize = 50;

/// Where a model's calls go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRecord {
    pub id: RouteId,
    pub model_id: ModelId,
    /// Whose calls; absent: everybody's who has none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// Grows with each change.
    pub version: u32,
    pub policy: RoutePolicy,
}

/// How places are found for a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoutePolicy {
    /// The first that matches counts. The last matches every call.
    pub rules: Vec<RouteRule>,
    /// Where calls go when no place of their own model answers.
    #[serde(default, skip_serializing_if = "Fallbacks::is_empty")]
    pub fallbacks: Fallbacks,
    #[serde(default, skip_serializing_if = "RouteBounds::is_default")]
    pub bounds: RouteBounds,
    /// The only regions where a call may be answered, whatever else is said; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

impl Default for RoutePolicy {
    /// What holds where there is no route: all deployments of the model, by weight.
    fn default() -> Self {
        Self {
            rules: vec![RouteRule {
                name: "default".to_owned(),
                when: None,
                among: Vec::new(),
                pick: Pick::Weighted,
                sticky: None,
                split: None,
                hedge_ms: None,
                tiers: Vec::new(),
                shadow: None,
            }],
            fallbacks: Fallbacks::default(),
            bounds: RouteBounds::default(),
            regions: Vec::new(),
        }
    }
}

/// What becomes of the calls that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouteRule {
    /// 1 to 64 characters, once in a policy.
    pub name: String,
    /// A condition over the call, `org == "acme" && tools > 0`; absent: all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The deployments that may answer, of this model or another, in this order where the order
    /// counts; empty: all of this model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub among: Vec<DeploymentId>,
    pub pick: Pick,
    /// Calls with the same one go to the same place as long as it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// A part of the calls that goes to its own place before all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Another place is asked too when the first has shown nothing for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedge_ms: Option<u32>,
    /// In the place of `among`: the harder a call looks, the later the tier that it goes to first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// Some of the calls are made a second time at another place, unseen by their callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
}

/// Places for calls up to some complexity. Calls that those do not answer go to the tiers above, and
/// at last to those below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tier {
    /// The most complex calls that it is for, 0 to 100. The last one's is 100.
    pub complexity_max: u8,
    pub among: Vec<DeploymentId>,
}

/// A place that gets copies of calls. Its answers are read and thrown away; what they cost is the
/// owner's of the route, never the caller's of a platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shadow {
    pub deployment_id: DeploymentId,
    /// Hundredths of a percent of the rule's calls.
    pub basis_points: u16,
}

/// How one of several places is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Pick {
    /// The first, as they are listed.
    Ordered,
    /// By chance, as often as its share of the weights.
    Weighted,
    /// The one with the fewest calls under way for its weight.
    LeastBusy,
    /// Of two by chance, the one that lately answered sooner.
    Latency,
    /// The one where the call costs least.
    Cheapest,
}

/// What keeps calls together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "name")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Sticky {
    Org,
    App,
    Key,
    /// The end user that the call names.
    User,
    /// A header, its name in lower case.
    Header(String),
    /// An entry of the call's metadata.
    Metadata(String),
}

/// Parts of the calls for places of their own: a canary is a split with one part, an A/B test one
/// whose parts are all calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Split {
    /// What it is called in reports; the same key is always on the same side of it.
    pub name: String,
    /// The rest of the calls goes as the rule's own way of picking says.
    pub parts: Vec<SplitPart>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SplitPart {
    pub name: String,
    /// Hundredths of a percent of the calls.
    pub basis_points: u16,
    pub deployment_id: DeploymentId,
}

/// Other models that may answer, tried in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fallbacks {
    /// After any failure that another place may not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub general: Vec<ModelId>,
    /// When the call is longer than the model's context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<ModelId>,
    /// When the provider refuses what the call is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<ModelId>,
}

impl Fallbacks {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.general.is_empty() && self.context.is_empty() && self.content.is_empty()
    }
}

/// Bounds of one call's attempts; absent: the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouteBounds {
    /// All attempts together, up to the answer or a stream's first content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_max: Option<u16>,
    /// One attempt of a stream, up to its first content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content_ms: Option<u32>,
}

impl RouteBounds {
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a place is not used for a call, in the order in which places are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Skip {
    /// The rule does not name it.
    NotNamed,
    /// It takes no calls: it or its provider is disabled or cannot be called.
    Closed,
    /// Its provider has no calls of this kind.
    Operation,
    /// It runs another version of the model than the call is for.
    Version,
    /// It is in a region where the call may not be answered.
    Region,
    /// The call is longer than its context.
    Context,
    /// It lacks something that the call asks for.
    Feature,
    /// Its weight is 0.
    Weight,
}
