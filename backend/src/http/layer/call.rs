//! Gives each request its id, finds the client's address, and writes the one log line of the
//! request. No header's value and no query is logged: either may hold a secret.

use crate::app::App;
use crate::audit::Actor;
use crate::db::SystemTx;
use crate::entropy;
use crate::http::{ApiError, Result};
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use contract::id::CallId;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};
use tokio::time::Instant;
use tracing::Instrument as _;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// One request of the control API.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub id: CallId,
    pub ip: Option<IpAddr>,
}

impl Call {
    /// A transaction across tenants for a caller who is still to be known.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn system_tx(&self, app: &App, reason: &'static str) -> Result<SystemTx> {
        let nobody = Actor { ip: self.ip, call: Some(self.id), ..Actor::platform("visitor") };
        Ok(SystemTx::begin(app, nobody, reason).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let call = parts.extensions.get::<Self>().copied();
        call.ok_or_else(|| ApiError::internal(anyhow::anyhow!("no call layer")))
    }
}

pub async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let forwarded = request.headers().get(&FORWARDED_FOR).and_then(|value| value.to_str().ok());
    let call = Call {
        id: entropy::id(CallId::new, app.clock.now()),
        ip: app.config.http.client_ip(peer, forwarded),
    };
    request.extensions_mut().insert(call);
    let method = request.method().clone();
    let started = Instant::now();
    let span = tracing::info_span!("request", id = %call.id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::try_from(call.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let route = response.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    tracing::info!(
        request = %call.id,
        %method,
        route = route.as_deref().unwrap_or("none"),
        status = response.status().as_u16(),
        took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}
