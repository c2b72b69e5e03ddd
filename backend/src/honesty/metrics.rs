//! The same figures for Prometheus, at an address of the worker that only the inside reaches.

use super::read;
use crate::app::App;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use contract::api::health::Health;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::fmt::Write as _;

/// `GET /metrics`, `GET /livez`.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(|| async { StatusCode::NO_CONTENT }))
        .with_state(app)
}

async fn metrics(State(app): State<App>) -> Response {
    match read(&app).await {
        Ok(health) => {
            ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&health)).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "no metrics while postgres is away");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The exposition format: a figure that is not known is left out.
fn text(health: &Health) -> String {
    let mut out = String::new();
    let stream = health.stream.as_ref();
    let gateways = health.gateways.as_deref();
    let sum = |of: fn(&contract::api::health::GatewayHealth) -> u64| {
        gateways.map(|all| all.iter().map(of).fold(0, u64::saturating_add))
    };
    let nanos = |usd: contract::money::Usd| Some(usd.0.0.unsigned_abs());
    let figures: [(&str, &str, Option<u64>); 17] = [
        (
            "ledger_lag_milliseconds",
            "Age of the oldest usage that waits to be booked.",
            health.ledger_lag_ms,
        ),
        ("usage_stream_entries", "Usage in the stream.", stream.map(|s| s.length)),
        ("usage_stream_pending", "Usage read and not yet booked.", stream.map(|s| s.pending)),
        (
            "rollup_minutes_waiting",
            "Minutes booked and not yet summed up.",
            Some(health.rollups_waiting),
        ),
        ("config_version", "The newest version of the configuration.", Some(health.config_version)),
        ("gateways_live", "Gateways heard of lately.", sum(|one| u64::from(one.live))),
        ("gateways_silent", "Gateways that fell silent.", sum(|one| u64::from(!one.live))),
        (
            "gateway_config_skew_max",
            "Versions that the most backward live gateway is behind.",
            gateways.map(|all| {
                all.iter().filter(|one| one.live).map(|one| one.skew).max().unwrap_or(0)
            }),
        ),
        (
            "gateway_spool_events",
            "Usage recorded that Redis does not have yet.",
            sum(|one| one.spool_events),
        ),
        ("gateway_spool_bytes", "Size of all spools.", sum(|one| one.spool_bytes)),
        ("reservations", "Calls that hold something of a limit.", sum(|one| one.reservations)),
        (
            "reservation_leaks",
            "Reservations that outlived their calls.",
            gateways.map(|_| health.leaks),
        ),
        ("dead_letters", "Usage that cannot be booked.", Some(health.dead_letters)),
        ("unknowns_open", "Calls whose gateway may still tell.", Some(health.unknowns_open)),
        ("unknowns", "Calls of unknown outcome.", Some(health.unknowns)),
        ("ledger_unbalanced", "Transactions that do not balance.", Some(health.unbalanced)),
        (
            "wallet_overrun_nanodollars",
            "Cost beyond what wallets could give.",
            nanos(health.overrun_usd),
        ),
    ];
    for (name, help, value) in figures {
        let Some(value) = value else { continue };
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "# HELP tollgate_{name} {help}\n# TYPE tollgate_{name} gauge\ntollgate_{name} {value}\n"
        );
    }
    out
}
