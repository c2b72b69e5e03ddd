//! Money of an org: its wallet, its ledger, calls of unknown outcome.
//! `/v1/orgs/{org}/wallet`, `/v1/orgs/{org}/ledger`, and what operators do under `/v1/admin`.

use super::shape;
use crate::id::{AppId, CreditId, LedgerTransactionId, OrgId, PlanId, PriceId, RequestId};
use crate::money::Usd;
use crate::usage::{Tokens, Units};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Words that are stored, sent and shown.
macro_rules! words {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(
            feature = "sqlx",
            derive(sqlx::Type),
            sqlx(type_name = "text", rename_all = "snake_case")
        )]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    )*};
}

words! {
    /// When an org pays.
    pub enum Billing {
        /// Ahead: calls draw on its wallet, and none runs that the wallet cannot pay.
        Prepaid = "prepaid",
        /// Afterwards: what calls cost is owed.
        Postpaid = "postpaid",
    }

    pub enum CreditKind {
        /// Paid for.
        Purchase = "purchase",
        /// Given by the platform.
        Grant = "grant",
        /// Given back by a correction.
        Refund = "refund",
    }

    /// Why a transaction was written.
    pub enum LedgerKind {
        /// A call.
        Usage = "usage",
        /// The org paid ahead.
        TopUp = "top_up",
        /// The platform gave credit.
        Grant = "grant",
        /// Credit ended before it was used.
        Expiry = "expiry",
        /// An earlier transaction was wrong.
        Correction = "correction",
        /// What is owed was paid, or let go.
        Adjustment = "adjustment",
        /// What a plan's included quantities and tiers make of a month, beside what calls were billed.
        Tariff = "tariff",
        /// A month's use was below what the plan asks at least.
        Minimum = "minimum",
        /// A call whose outcome nobody knows, billed by what was reserved for it.
        Unknown = "unknown",
    }

    /// Where money is. A debit is positive, a credit negative.
    pub enum AccountKind {
        /// What the org owes.
        Receivable = "receivable",
        Revenue = "revenue",
        /// What the org has paid ahead or was given: the platform's debt, so negative.
        Wallet = "wallet",
        Cash = "cash",
        /// Credit that the platform gave.
        Promotion = "promotion",
        /// Credit that ended unused.
        Breakage = "breakage",
        Adjustment = "adjustment",
        /// What is owed and will not be paid.
        Writeoff = "writeoff",
    }
}

/// Credit is drawn in this order unless it says otherwise.
pub const PRIORITY_DEFAULT: i16 = 50;

const fn priority_default() -> i16 {
    PRIORITY_DEFAULT
}

shape! {
    /// `GET /v1/orgs/{org}/wallet`.
    pub struct Wallet {
        pub billing: Billing,
        /// What is left of all credits.
        pub balance_usd: Usd,
        /// The balance never goes below it.
        pub floor_usd: Usd,
        /// What gateways have set aside for calls that run; absent while nobody can say.
        pub held_usd: Option<Usd>,
        /// What new calls may cost: balance less floor and held. Absent like `held_usd`.
        pub available_usd: Option<Usd>,
        /// What was used and is to be paid afterwards.
        pub owed_usd: Usd,
        /// Credits with something left, in the order in which they are drawn.
        pub credits: Vec<Credit>,
        pub as_of: DateTime<Utc>,
        pub version: i64,
    }

    pub struct Credit {
        pub id: CreditId,
        pub kind: CreditKind,
        pub amount_usd: Usd,
        pub remaining_usd: Usd,
        /// 1 to 100; lower ones are drawn first.
        pub priority: i16,
        pub expires_at: Option<DateTime<Utc>>,
        pub note: String,
        pub created_at: DateTime<Utc>,
    }

    /// `POST /v1/admin/orgs/{org}/credits`.
    pub struct CreateCredit {
        /// `purchase` or `grant`.
        pub kind: CreditKind,
        pub amount_usd: Usd,
        /// 1 to 100; lower ones are drawn first.
        #[serde(default = "priority_default")]
        pub priority: i16,
        #[serde(default)]
        pub expires_at: Option<DateTime<Utc>>,
        /// The number of the payment, or why it is given.
        pub note: String,
    }

    /// `PATCH /v1/admin/orgs/{org}/billing`. The version is the wallet's.
    pub struct UpdateBilling {
        pub billing: Billing,
        pub floor_usd: Usd,
    }

    /// `GET /v1/admin/orgs`, and `GET /v1/admin/orgs/{org}` for one.
    pub struct Account {
        pub id: OrgId,
        pub slug: String,
        pub name: String,
        pub suspended: bool,
        pub billing: Billing,
        pub balance_usd: Usd,
        pub floor_usd: Usd,
        pub owed_usd: Usd,
        /// What calls cost beyond what the wallet could give; zero as long as limits hold.
        pub overrun_usd: Usd,
        pub created_at: DateTime<Utc>,
        /// The wallet's, for `If-Match` of its billing.
        pub version: i64,
    }

    /// `GET /v1/orgs/{org}/ledger`: a transaction. Its entries sum to zero.
    pub struct LedgerTransaction {
        pub id: LedgerTransactionId,
        pub kind: LedgerKind,
        /// When what it bills happened.
        pub at: DateTime<Utc>,
        pub created_at: DateTime<Utc>,
        /// What moved: the sum of the debits.
        pub amount_usd: Usd,
        /// The call that it bills.
        pub request_id: Option<RequestId>,
        /// The version of the price that the call was rated by.
        pub price_id: Option<PriceId>,
        pub plan_id: Option<PlanId>,
        /// The month that it rates, such as `2026-03`.
        #[serde(default)]
        pub month: Option<String>,
        /// The transaction that it corrects.
        pub corrects: Option<LedgerTransactionId>,
        pub reason: Option<String>,
        /// Who wrote it, when a person did.
        pub actor_name: Option<String>,
        pub entries: Vec<LedgerEntry>,
    }

    pub struct LedgerEntry {
        pub account: AccountKind,
        /// A debit is positive, a credit negative.
        pub amount_usd: Usd,
    }

    /// `POST /v1/admin/ledger/{transaction}/corrections`. What was billed changes by the amount:
    /// less than zero gives back, more than zero charges more.
    pub struct CreateCorrection {
        pub amount_usd: Usd,
        pub reason: String,
    }
}

words! {
    /// What becomes of a call whose outcome nobody knows, a day after.
    #[derive(Default)]
    pub enum UnknownPolicy {
        /// Nothing is billed.
        #[default]
        Forgive = "forgive",
        /// What was reserved for it is billed.
        BillReserved = "bill_reserved",
    }

    /// How far it is known what became of a call.
    pub enum UnknownState {
        /// Its gateway may still tell.
        Open = "open",
        /// Its gateway is gone, or silent.
        Unknown = "unknown",
        /// What it used is known and billed.
        Settled = "settled",
        /// What was reserved for it was billed.
        Billed = "billed",
        Forgiven = "forgiven",
    }

    /// How an operator ends it.
    pub enum Resolution {
        /// By what the provider reports that it used.
        Usage = "usage",
        Forgive = "forgive",
        BillReserved = "bill_reserved",
    }
}

shape! {
    /// `GET /v1/orgs/{org}/unknowns`, and `GET /v1/admin/unknowns` over all orgs: a call that began
    /// and of whose end its gateway has not told. Query: `state`, `cursor`, `limit`.
    pub struct Unknown {
        pub request_id: RequestId,
        pub at: DateTime<Utc>,
        pub org_id: OrgId,
        pub org_slug: String,
        pub app_id: AppId,
        pub app_name: String,
        pub model_name: String,
        pub reserved_usd: Usd,
        pub state: UnknownState,
        /// What the plan does with it a day after it became unknown.
        pub policy: UnknownPolicy,
        pub unknown_at: Option<DateTime<Utc>>,
        pub resolved_at: Option<DateTime<Utc>>,
        pub reason: Option<String>,
        pub actor_name: Option<String>,
        pub transaction_id: Option<LedgerTransactionId>,
    }

    /// `POST /v1/admin/unknowns/{request}/resolve`.
    pub struct ResolveUnknown {
        pub resolution: Resolution,
        /// With `usage`: the tokens that the provider reports.
        #[serde(default)]
        pub tokens: Option<Tokens>,
        /// With `usage`: what it reports besides tokens.
        #[serde(default)]
        pub units: Option<Units>,
        pub reason: String,
    }
}
