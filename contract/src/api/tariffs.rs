//! What a plan makes of a month: included quantities, tiers and a minimum. The arithmetic is
//! [`crate::rating`].

use super::billing::UnknownPolicy;
use super::shape;
use crate::id::{ModelId, PlanId};
use crate::money::Usd;
use crate::rating::Volume;
use crate::snapshot::CachePolicy;
use chrono::{DateTime, Utc};

shape! {
    /// What an org's calendar month (UTC) on a plan costs beside the prices of its calls.
    pub struct PlanTariff {
        /// Not charged for, of each model: calls, tokens by class, units.
        #[serde(default)]
        pub included: Volume,
        /// By `above`, rising; 10 at most. Below the first one the price's own rates hold.
        #[serde(default)]
        pub tiers: Vec<PlanTier>,
        /// Charged at least, over all models: for each day of the month on which an app was
        /// subscribed, its part.
        #[serde(default)]
        pub minimum_usd: Usd,
    }

    /// From so many tokens on, tokens cost this. Dollars per million; a class without a rate of its
    /// own is charged as its base class.
    pub struct PlanTier {
        /// Tokens of one class of one model in the month, the included ones not counted.
        pub above: u64,
        pub input_usd: Usd,
        pub output_usd: Usd,
        #[serde(default)]
        pub cached_input_usd: Option<Usd>,
        #[serde(default)]
        pub cache_write_usd: Option<Usd>,
        #[serde(default)]
        pub cache_write_1h_usd: Option<Usd>,
        #[serde(default)]
        pub reasoning_usd: Option<Usd>,
        #[serde(default)]
        pub audio_input_usd: Option<Usd>,
        #[serde(default)]
        pub audio_output_usd: Option<Usd>,
        #[serde(default)]
        pub image_input_usd: Option<Usd>,
        #[serde(default)]
        pub image_output_usd: Option<Usd>,
    }

    /// A change that is still to come.
    pub struct TariffChange {
        /// The beginning of a month.
        pub from: DateTime<Utc>,
        /// Absent: the plan has none from then on.
        pub tariff: Option<PlanTariff>,
    }

    /// `PATCH /v1/admin/plans/{plan}`.
    pub struct UpdatePlan {
        /// What becomes of a call whose outcome nobody knows.
        pub unknown_policy: UnknownPolicy,
        /// As it will be from the next calendar month (UTC) on; null for none.
        #[serde(default)]
        pub tariff: Option<PlanTariff>,
        /// When calls are answered with the answer to another, and what that costs: at once. As a
        /// whole: what is left out of it is as in a new plan.
        #[serde(default)]
        pub cache: CachePolicy,
        /// How urgent its calls are where they wait for a pool, 0 to 9, and 9 goes first: at once.
        #[serde(default)]
        pub priority: u8,
    }

    /// `GET /v1/orgs/{org}/plan-months`: what the tariff of a plan makes of the org's month. Query:
    /// `month`, such as `2026-03`; without it the month that runs.
    pub struct PlanMonth {
        pub plan_id: PlanId,
        pub plan_name: String,
        pub product_name: String,
        /// Such as `2026-03`, in UTC.
        pub month: String,
        pub tariff: PlanTariff,
        /// What was used and is charged for, model by model.
        pub used: Vec<ModelUse>,
        /// What calls were billed, each by its price.
        pub billed_usd: Usd,
        /// What the included quantities and the tiers make of that: below zero gives back.
        pub tariff_usd: Usd,
        /// Days on which an app was subscribed, or will be if nothing changes.
        pub days: u32,
        /// What the plan asks at least for those days.
        pub minimum_usd: Usd,
        /// What is missing to the minimum.
        pub missing_usd: Usd,
        /// Calls, tariff and minimum together.
        pub total_usd: Usd,
        /// How much of tariff and minimum is in the ledger. All of it, a while after the month is over.
        pub posted_usd: Usd,
        /// When the month was rated first; absent while it runs, and for a day after.
        pub closed_at: Option<DateTime<Utc>>,
    }

    pub struct ModelUse {
        pub model_id: ModelId,
        pub model_name: String,
        pub used: Volume,
    }
}
