//! How well the money is: `GET /v1/admin/health`. Everything here should be zero, small or live.

use super::shape;
use crate::channel::BreakerState;
use crate::id::{DeploymentId, GatewayId, ModelId};
use crate::money::Usd;
use chrono::{DateTime, Utc};

shape! {
    pub struct Health {
        pub at: DateTime<Utc>,
        /// What is wrong, a sentence each; empty when all is well.
        pub problems: Vec<String>,
        /// Age of the oldest usage that waits to be booked. Absent while Redis cannot be asked.
        pub ledger_lag_ms: Option<u64>,
        /// Usage that waits in the stream, or is being booked. Absent like the lag.
        pub stream: Option<StreamHealth>,
        /// Minutes of usage that are booked and not yet summed up.
        pub rollups_waiting: u64,
        /// The newest version of the configuration.
        pub config_version: u64,
        /// Every gateway that was heard of in the last minutes. Absent while Redis cannot be asked.
        pub gateways: Option<Vec<GatewayHealth>>,
        /// Usage that cannot be booked, and waits for a person.
        pub dead_letters: u64,
        /// Calls whose gateway may still tell how they ended.
        pub unknowns_open: u64,
        /// Calls of which nobody will tell.
        pub unknowns: u64,
        pub unknowns_reserved_usd: Usd,
        /// Transactions of the last minutes whose entries do not sum to zero.
        pub unbalanced: u64,
        /// Reservations that outlived every call, and those of gateways that fell silent.
        pub leaks: u64,
        /// What calls of prepaid organisations cost beyond what their wallets could give.
        pub overrun_usd: Usd,
    }

    pub struct StreamHealth {
        /// Entries in the stream.
        pub length: u64,
        /// Read by a worker and not yet booked.
        pub pending: u64,
    }

    pub struct GatewayHealth {
        pub id: GatewayId,
        /// When it was last heard of.
        pub at: DateTime<Utc>,
        pub live: bool,
        pub config_version: u64,
        /// Versions behind the newest.
        pub skew: u64,
        /// Usage that it has recorded and Redis does not have yet.
        pub spool_events: u64,
        pub spool_bytes: u64,
        pub intents_open: u64,
        /// Calls that hold something of a limit now.
        pub reservations: u64,
        pub oldest_reservation_ms: u64,
        pub held_usd: Usd,
    }

    /// `GET /v1/admin/deployments/health`: how the gateways find the deployments.
    pub struct DeploymentsHealth {
        pub at: DateTime<Utc>,
        /// How many gateways are alive. Absent while Redis cannot be asked.
        pub gateways: Option<u32>,
        /// Those that were lately called or are left alone, the worst first.
        pub deployments: Vec<DeploymentHealth>,
    }

    pub struct DeploymentHealth {
        pub deployment_id: DeploymentId,
        pub model_id: ModelId,
        pub model_name: String,
        pub provider_name: String,
        pub region: String,
        /// The worst that a gateway says.
        pub breaker: BreakerState,
        /// What it gets of its weight, of all gateways together.
        pub share_percent: u8,
        /// Calls that it works on.
        pub in_flight: u64,
        /// How long its streams lately took to their first content, at worst; absent: nobody knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub first_content_ms: Option<u64>,
        /// How long its answers lately took, at worst; absent: nobody knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub answer_ms: Option<u64>,
        /// Calls since the gateways started that it answered as it should, and that it did not.
        pub answered: u64,
        pub failed: u64,
        /// How often a gateway took it out.
        pub opened: u64,
    }
}
