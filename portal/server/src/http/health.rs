//! `/livez`: the process runs. `/readyz`: it can also reach the control API.

use crate::App;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

pub async fn livez() -> &'static str {
    "ok\n"
}

pub async fn readyz(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    let mut url = app.config.api_url.clone();
    url.set_path("/livez");
    let answer = app.http.get(url).timeout(Duration::from_secs(2)).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the control API does not answer\n"),
    }
}
