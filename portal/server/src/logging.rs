//! Logs on stderr: JSON lines, or plain text on a terminal. Never a body, a cookie or a form value.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging; an unreadable filter falls back to `info`.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was already started");
    }
}
