//! Budgets: how much may be spent in a calendar period, who hears of it and what happens then:
//! `/v1/orgs/{org}/budgets`.

use super::shape;
use crate::id::{BudgetId, EventId, ModelId, RaiseId};
use crate::money::Usd;
use crate::snapshot::{AtLimit, LimitScope, Tag, Window, Zone};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What happens to calls once a budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BudgetAction {
    /// They run; people are told.
    Alert,
    /// They run at so many hundredths of the budget's even pace, and are refused above it. At its
    /// end a period has cost at most that much more than the budget.
    Throttle {
        /// 1 to 99.
        percent: u8,
    },
    /// They run on a cheaper model.
    Downgrade { model_id: ModelId },
    /// They are refused.
    Deny,
}

impl BudgetAction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Throttle { .. } => "throttle",
            Self::Downgrade { .. } => "downgrade",
            Self::Deny => "deny",
        }
    }

    /// Of several budgets that are used up, the one with the highest rank decides.
    #[must_use]
    pub const fn rank(self) -> u8 {
        self.at_limit().rank()
    }

    /// As gateways know it.
    #[must_use]
    pub const fn at_limit(self) -> AtLimit {
        match self {
            Self::Alert => AtLimit::Alert,
            Self::Throttle { percent } => AtLimit::Throttle { percent },
            Self::Downgrade { model_id } => AtLimit::Downgrade { model_id },
            Self::Deny => AtLimit::Deny,
        }
    }
}

/// Why a budget may not do what it seems to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BudgetConflict {
    /// Another budget stops these calls before this one can be used up.
    NeverReached,
    /// Another budget of the same amount acts on the same calls, and more strongly.
    Outranked,
    /// Two budgets send each other's calls to each other's models; a call is sent on once.
    Circle,
    /// A threshold lies above what the budget's own action lets through.
    ThresholdNeverReached,
    /// What it is on is gone.
    ScopeGone,
    /// The cheaper model cannot be called any more, or is not cheaper.
    ModelUnfit,
}

shape! {
    pub struct Budget {
        pub id: BudgetId,
        pub name: String,
        pub scope: LimitScope,
        /// Name of what the scope points at; empty when it is gone.
        pub scope_name: String,
        /// Only calls of this model count.
        pub model_id: Option<ModelId>,
        pub model_name: Option<String>,
        /// Only calls with this tag count.
        pub tag: Option<Tag>,
        pub amount_usd: Usd,
        /// `day`, `week` (from Monday), `month`, `quarter` or `year`.
        pub window: Window,
        /// Where the calendar is read.
        pub zone: Zone,
        /// In percent of what may be spent; each alerts once a period.
        pub thresholds: Vec<u16>,
        pub action: BudgetAction,
        /// Of the cheaper model, where calls go to one.
        pub downgrade_model_name: Option<String>,
        /// Those that are not over yet.
        pub raises: Vec<Raise>,
        pub warnings: Vec<BudgetWarning>,
        pub period: BudgetPeriod,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// How the period that runs now stands.
    pub struct BudgetPeriod {
        pub from: DateTime<Utc>,
        /// When the next one begins.
        pub until: DateTime<Utc>,
        /// The amount and every raise in force now.
        pub limit_usd: Usd,
        /// What calls cost in this period, as far as they are booked.
        pub spent_usd: Usd,
        /// Absent with fewer than 7 full days of use to go by, and in lists.
        pub forecast: Option<Forecast>,
        /// What each of the last full days (UTC) cost, at most 28, oldest first; empty in lists.
        #[serde(default)]
        pub days: Vec<DayCost>,
    }

    pub struct DayCost {
        pub day: DateTime<Utc>,
        pub cost_usd: Usd,
    }

    /// What the period will have cost at its end, from the last days: what was spent, and for the
    /// time that is left an average day; `low_usd` and `high_usd` take days of the lower and the
    /// upper quarter instead.
    pub struct Forecast {
        pub at_end_usd: Usd,
        pub low_usd: Usd,
        pub high_usd: Usd,
        /// Full days (UTC) it goes by, at most 28.
        pub days: u16,
    }

    pub struct BudgetWarning {
        pub kind: BudgetConflict,
        /// The other budget, where there is one.
        pub budget_id: Option<BudgetId>,
        /// What is the matter, for a person.
        pub detail: String,
    }

    /// More money for a while. It ends by itself.
    pub struct Raise {
        pub id: RaiseId,
        pub add_usd: Usd,
        pub starts_at: DateTime<Utc>,
        pub ends_at: DateTime<Utc>,
        pub reason: String,
        pub created_by_name: String,
        pub created_at: DateTime<Utc>,
    }

    /// One threshold that was reached in one period.
    pub struct BudgetAlert {
        /// What webhooks tell it as.
        pub id: EventId,
        pub percent: u16,
        pub period_from: DateTime<Utc>,
        pub at: DateTime<Utc>,
        pub spent_usd: Usd,
        /// What might be spent then.
        pub limit_usd: Usd,
    }

    /// `POST /v1/orgs/{org}/budgets`.
    pub struct CreateBudget {
        pub name: String,
        pub scope: LimitScope,
        #[serde(default)]
        pub model_id: Option<ModelId>,
        #[serde(default)]
        pub tag: Option<Tag>,
        /// `0`: nothing may be spent.
        pub amount_usd: Usd,
        pub window: Window,
        #[serde(default)]
        pub zone: Zone,
        /// 1 to 200 each; absent: 50, 80 and 100.
        #[serde(default)]
        pub thresholds: Option<Vec<u16>>,
        pub action: BudgetAction,
    }

    /// `PATCH /v1/orgs/{org}/budgets/{budget}`. What was spent stays spent. Scope, period and zone
    /// stay: they say what is counted.
    pub struct UpdateBudget {
        pub name: String,
        pub amount_usd: Usd,
        pub thresholds: Vec<u16>,
        pub action: BudgetAction,
    }

    /// `POST /v1/orgs/{org}/budgets/{budget}/raises`.
    pub struct CreateRaise {
        /// More than 0.
        pub add_usd: Usd,
        /// Absent: at once.
        #[serde(default)]
        pub starts_at: Option<DateTime<Utc>>,
        pub ends_at: DateTime<Utc>,
        pub reason: String,
    }
}
