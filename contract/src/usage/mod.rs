//! What one call really used: written once by the gateway, billed once by the backend.

mod intent;
mod write;

pub use intent::{Unsettled, UsageIntent};

use crate::Timestamp;
use crate::id::{
    AppId, DeploymentId, GatewayId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId,
    ProviderId, RequestId, RouteId, SubscriptionId, TeamId,
};
use crate::money::{Nanos, Rates};
use crate::snapshot::{Tag, WHOLE};
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};

/// Tokens by class. The classes are **disjoint**: a provider that counts cached input inside its
/// prompt tokens is read with the cached part taken out, so the sum is what was processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tokens {
    /// Input read at the full rate.
    pub input: u64,
    /// Input served from the provider's prompt cache.
    pub cached_input: u64,
    /// Input written to the provider's prompt cache.
    pub cache_write: u64,
    /// Input written there to stay for an hour, where a provider asks more for that.
    pub cache_write_1h: u64,
    pub audio_input: u64,
    pub image_input: u64,
    /// Visible output.
    pub output: u64,
    /// Output spent on reasoning, visible or not.
    pub reasoning: u64,
    pub audio_output: u64,
    pub image_output: u64,
}

/// What a call uses that is not counted in tokens. Each is zero where it does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Units {
    /// Pictures made.
    pub images: u64,
    /// Characters of text spoken aloud.
    pub characters: u64,
    /// Audio listened to, in milliseconds.
    pub audio_ms: u64,
    /// Searches: units of a ranking, and searches that the provider's own tools ran.
    pub searches: u64,
    /// Rows predicted for.
    pub rows: u64,
    /// Time that the model server worked, in milliseconds.
    pub compute_ms: u64,
}

impl Units {
    pub const NONE: Self =
        Self { images: 0, characters: 0, audio_ms: 0, searches: 0, rows: 0, compute_ms: 0 };

    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::NONE
    }
}

/// All that a call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    pub tokens: Tokens,
    pub units: Units,
}

impl From<Tokens> for Used {
    fn from(tokens: Tokens) -> Self {
        Self { tokens, units: Units::default() }
    }
}

impl From<Units> for Used {
    fn from(units: Units) -> Self {
        Self { tokens: Tokens::default(), units }
    }
}

impl Tokens {
    pub const NONE: Self = Self {
        input: 0,
        cached_input: 0,
        cache_write: 0,
        cache_write_1h: 0,
        audio_input: 0,
        image_input: 0,
        output: 0,
        reasoning: 0,
        audio_output: 0,
        image_output: 0,
    };

    #[must_use]
    pub const fn input_total(&self) -> u64 {
        self.input
            .saturating_add(self.cached_input)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.audio_input)
            .saturating_add(self.image_input)
    }

    #[must_use]
    pub const fn output_total(&self) -> u64 {
        self.output
            .saturating_add(self.reasoning)
            .saturating_add(self.audio_output)
            .saturating_add(self.image_output)
    }

    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input_total().saturating_add(self.output_total())
    }
}

/// What was asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Operation {
    Chat,
    Embeddings,
    Rerank,
    /// Counting the tokens of a conversation without having it.
    CountTokens,
    Predict,
    /// Making or changing pictures.
    Images,
    /// Speaking a text.
    Speech,
    /// Writing down what is said, in its own language or in English.
    Transcription,
    Moderation,
    /// A call in a provider's own words that the gateway does not know more of.
    Native,
}

impl Operation {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::CountTokens => "count_tokens",
            Self::Predict => "predict",
            Self::Images => "images",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Moderation => "moderation",
            Self::Native => "native",
        }
    }
}

/// How a call that reached a provider ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Outcome {
    /// Answered whole.
    Ok,
    /// The provider refused or failed before any content.
    UpstreamError,
    /// The provider ended a stream too early.
    UpstreamCut,
    /// The caller hung up.
    ClientGone,
    /// A stream that was ended because a limit, a budget or a wallet had no more for it.
    BudgetExhausted,
}

impl Outcome {
    /// Whether such an ending is charged. A call that failed before any content costs nothing,
    /// not even its price per call.
    #[must_use]
    pub const fn is_charged(self) -> bool {
        !matches!(self, Self::UpstreamError)
    }
}

/// Where the answer to a call came from that made none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Cached {
    /// It was kept from an identical call.
    Exact,
    /// It was shared with an identical call under way.
    Coalesced,
    /// It was kept from a call that means the same.
    Semantic,
}

impl Cached {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Coalesced => "coalesced",
            Self::Semantic => "semantic",
        }
    }
}

/// An attempt that failed, was overtaken or only compared the call with others, and what its provider reported for it all the same. It is
/// the platform's cost, never the tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptUse {
    pub deployment_id: DeploymentId,
    pub provider_id: ProviderId,
    /// The HTTP status that the provider answered with; 0 where none came.
    pub status: u16,
    pub outcome: Outcome,
    #[serde(default)]
    pub tokens: Tokens,
    #[serde(default, skip_serializing_if = "Units::is_zero")]
    pub units: Units,
    /// Whether the provider told what was used. Where it did not, nothing is assumed.
    #[serde(default)]
    pub reported: bool,
    /// Another place was asked too and answered first, so this one was hung up on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overtaken: bool,
    /// It was to answer nothing: an embedding model was asked what the call means, to find the answer
    /// to one that means the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compared: bool,
}

/// What a call held and used of one limit, in the limit's metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitTouched {
    pub limit_id: LimitId,
    /// The start of the window that was held in, in epoch seconds.
    pub window_start: i64,
    /// Held at most while the call ran.
    pub held: i64,
    /// Counted in the end; 0 in an intent.
    #[serde(default)]
    pub used: i64,
}

/// By which route, rule and part of a split a call came to where it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Routed {
    pub route_id: RouteId,
    /// The route's version.
    pub number: u32,
    pub rule: String,
    /// The part of the rule's split; absent: none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

/// Of which call another one is a copy, and who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShadowOf {
    pub request_id: RequestId,
    /// The platform does, else the org.
    pub on_platform: bool,
}

/// Where a call might be answered, and where it was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Residency {
    /// Every region that all who have a say allow.
    pub allowed: Vec<String>,
    /// Of the last place that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// One call's use. Written to the gateway's spool before the caller has the last byte, shipped to
/// Redis, ingested once by `request_id`. New fields are optional: an old event still decodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEvent {
    pub request_id: RequestId,
    /// When the gateway admitted the call.
    pub at: Timestamp,
    pub org_id: OrgId,
    pub team_id: TeamId,
    pub app_id: AppId,
    pub key_id: KeyId,
    pub subscription_id: SubscriptionId,
    pub product_id: ProductId,
    pub plan_id: PlanId,
    pub model_id: ModelId,
    /// The last deployment tried; absent when none could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<DeploymentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    pub operation: Operation,
    pub stream: bool,
    pub outcome: Outcome,
    /// The HTTP status the caller got.
    pub status: u16,
    /// The error code the caller got, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    pub tokens: Tokens,
    #[serde(default, skip_serializing_if = "Units::is_zero")]
    pub units: Units,
    /// True when the provider reported no usage and the tokens were counted here.
    #[serde(default)]
    pub estimated: bool,
    pub price_id: PriceId,
    /// [`UsageEvent::cost_under`] that price; ingest computes it again and refuses a difference.
    pub cost_nanos: Nanos,
    /// Present when the answer was another call's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Cached>,
    /// What of the price is charged, in hundredths: less than all only of another call's answer.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub price_percent: u8,
    /// What was held while the call ran.
    #[serde(default)]
    pub reserved_nanos: Nanos,
    /// Attempts made upstream.
    #[serde(default)]
    pub attempts: u16,
    /// Those that failed before the last one, as far as they reached a provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "readable")]
    pub attempts_made: Vec<AttemptUse>,
    /// How often more was held while the call ran.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub topped_up: u16,
    /// What the caller said the call is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The provider's report was negative, absurd, half missing or fell between two of its
    /// chunks: what it does not tell soundly was estimated or capped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub odd_usage: bool,
    /// What was held and used of each limit that applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitTouched>,
    /// From admission to the last byte, in milliseconds.
    #[serde(default)]
    pub duration_ms: u32,
    /// From admission to the first content, in milliseconds; streams only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u32>,
    pub gateway_id: GatewayId,
    /// The snapshot version that decided the call.
    pub config_version: u64,
    /// Present when a route decided where it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Routed>,
    /// Present when it is a copy of another call, whose answer nobody gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowOf>,
    /// Present when the org, or a route, says where calls may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<Residency>,
}

impl UsageEvent {
    /// What this call costs under `rates`: nothing when it failed before any content or only
    /// counted tokens, else [`Rates::price_of_part`] of what it used.
    #[must_use]
    pub fn cost_under(&self, rates: &Rates) -> Nanos {
        let charged = self.outcome.is_charged() && self.operation != Operation::CountTokens;
        if charged { rates.price_of_part(&self.used(), self.price_percent) } else { Nanos::ZERO }
    }

    #[must_use]
    pub const fn used(&self) -> Used {
        Used { tokens: self.tokens, units: self.units }
    }
}

const fn whole() -> u8 {
    WHOLE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_whole(percent: &u8) -> bool {
    *percent == WHOLE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u16) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A list without the elements that only a newer release can read: they never cost the event.
fn readable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    #[derive(Deserialize)]
    #[serde(untagged, bound = "T: DeserializeOwned")]
    enum Element<T> {
        Read(T),
        Unreadable(IgnoredAny),
    }
    let read = |element| match element {
        Element::Read(element) => Some(element),
        Element::Unreadable(_) => None,
    };
    Ok(Vec::<Element<T>>::deserialize(deserializer)?.into_iter().filter_map(read).collect())
}
