//! How well the money is: `GET /v1/admin/health`. Everything here should be zero, small or live.

use super::shape;
use crate::id::GatewayId;
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
}
