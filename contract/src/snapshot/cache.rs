//! What a plan says of answers that are given again.

use crate::id::ModelId;
use serde::{Deserialize, Serialize};

/// A whole of a price, in hundredths.
pub const WHOLE: u8 = 100;
/// The longest that an answer is kept: a week.
pub const CACHE_TTL_MAX_S: u32 = 604_800;

/// Which calls are answered again with an answer that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CacheExact {
    #[default]
    Off,
    /// Those that ask for temperature 0.
    Deterministic,
    /// Those at any temperature, too.
    All,
}

impl CacheExact {
    pub const ALL: [Self; 3] = [Self::Off, Self::Deterministic, Self::All];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Deterministic => "deterministic",
            Self::All => "all",
        }
    }
}

/// Who shares answers. Never more than one organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CacheScope {
    /// The keys of one app.
    #[default]
    App,
    /// The apps of one team.
    Team,
    /// The teams of the organisation.
    Org,
}

impl CacheScope {
    pub const ALL: [Self; 3] = [Self::App, Self::Team, Self::Org];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Team => "team",
            Self::Org => "org",
        }
    }
}

/// The least alike that two questions may be, in thousandths: what is further apart has another subject.
pub const ALIKE_MIN: u16 = 500;
/// As alike as two can be, in thousandths.
pub const ALIKE_MAX: u16 = 1_000;

/// Which calls are answered with the answer to one that means the same: all but the words of their last
/// question is the same, and those are alike by their embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CacheSemantic {
    /// The embedding model by which they are compared. Its calls are the platform's cost.
    pub model_id: ModelId,
    /// How alike they must be: the cosine of their embeddings in thousandths, 500 to 1000.
    pub alike_min: u16,
}

/// When a plan's calls are answered with the answer to another call, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CachePolicy {
    pub exact: CacheExact,
    /// Seconds that an answer is kept: 1 to 604800.
    pub ttl_s: u32,
    pub scope: CacheScope,
    /// Calls whose answers are kept are also answered with the answer to one that means the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantic: Option<CacheSemantic>,
    /// What an answer out of the cache costs, in hundredths of the price of the call: 0 to 100.
    pub hit_price_percent: u8,
    /// Calls that are made while an identical one is under way share its answer.
    pub coalesce: bool,
    /// What a shared answer costs each who did not make the call, in hundredths of its price.
    pub coalesced_price_percent: u8,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            exact: CacheExact::Off,
            ttl_s: 3_600,
            scope: CacheScope::App,
            semantic: None,
            hit_price_percent: WHOLE,
            coalesce: false,
            coalesced_price_percent: WHOLE,
        }
    }
}

impl CachePolicy {
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no call of the plan ever gets the answer to another.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        matches!(self.exact, CacheExact::Off) && !self.coalesce
    }
}

/// How often what was kept was thrown away: answers kept under an earlier count are never found.
pub type Purges = u32;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) const fn never(purges: &Purges) -> bool {
    *purges == 0
}
