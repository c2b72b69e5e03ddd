//! A browser without JavaScript, and a control API that the test plays.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contract::Timestamp;
use contract::error::{ErrorCode, FieldError, Problem};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use portal_server::{App, Clock, Config, routes};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

/// One call that reached the control API.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method and path: `GET /v1/me`.
    pub what: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Call {
    /// The session it came with.
    pub fn session(&self) -> Option<&str> {
        let line = self.headers.get(header::COOKIE)?.to_str().unwrap();
        line.strip_prefix("__Host-tollgate_session=")
    }
}

/// What the control API answers; `None` is "not found".
pub type Play = fn(&Call) -> Option<Response>;

/// What the control API was asked.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<Call>>>);

impl Asked {
    /// The newest call of `what`.
    pub fn last(&self, what: &str) -> Call {
        let all = self.0.lock().unwrap();
        all.iter().rev().find(|call| call.what == what).unwrap().clone()
    }

    pub fn count(&self, what: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|call| call.what == what).count()
    }
}

pub fn ok(body: Value) -> Option<Response> {
    Some(axum::Json(body).into_response())
}

pub fn refusal(code: ErrorCode, errors: &[(&str, &str)]) -> Option<Response> {
    let mut problem = Problem::new(code, "What happened this time.", "call_1");
    problem.errors =
        errors.iter().map(|(pointer, detail)| FieldError::new(*pointer, *detail)).collect();
    Some((StatusCode::from_u16(problem.status).unwrap(), axum::Json(problem)).into_response())
}

/// An id that parses.
pub fn id(prefix: &str, n: u8) -> String {
    format!("{prefix}_{n:025}0")
}

/// A product with one plan, as its operator sees it.
pub fn product() -> Value {
    json!({"id": id("prod", 1), "slug": "aurora", "name": "Aurora", "kind": "model", "summary": "",
        "description": "", "state": "published", "model_names": [], "plan_count": 1,
        "created_at": "2026-03-01T00:00:00Z", "version": 1})
}

/// Somebody with this role in the org `acme`; `operator` is an owner who is an operator too.
pub fn me(email: &str, role: &str) -> Value {
    let operator = role == "operator";
    json!({
        "id": id("per", 0), "email": email, "name": "Ada <b>Lovelace</b>",
        "is_operator": operator, "created_at": "2026-03-05T14:02:00Z",
        "orgs": [{"org_id": id("org", 0), "slug": "acme", "name": "Acme",
            "role": if operator { "owner" } else { role }}],
    })
}

async fn control_api(
    State((asked, play)): State<(Asked, Play)>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let call = Call {
        what: format!("{} {}", parts.method, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    asked.0.lock().unwrap().push(call.clone());
    let answer = match (call.what.as_str(), call.session()) {
        ("GET /v1/me", Some(role)) => ok(me("ada@example.com", role)),
        ("GET /v1/me", None) => refusal(ErrorCode::SessionMissing, &[]),
        _ => play(&call),
    };
    answer.or_else(|| refusal(ErrorCode::NotFound, &[])).unwrap()
}

pub struct Portal {
    router: Router,
    pub asked: Asked,
    pub cookies: Vec<(String, String)>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn to(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
    }
}

impl Portal {
    pub async fn start(play: Play) -> Self {
        let asked = Asked::default();
        let api = Router::new().fallback(control_api).with_state((asked.clone(), play));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, api).await.unwrap() });
        Self::over(&format!("http://{address}"), asked)
    }

    pub fn over(api: &str, asked: Asked) -> Self {
        let config = <Config as clap::Parser>::parse_from(["portal", "--api-url", api]);
        let clock = Clock::from_fn(|| Timestamp::from_timestamp(1_772_719_320, 0).unwrap());
        let app = App::with_clock(config, clock).unwrap();
        Self { router: routes::router(app), asked, cookies: Vec::new() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "http://127.0.0.1:7102");
        self.send(request, form.into()).await
    }

    /// Sends with the cookies so far and keeps those that come back, as a browser does.
    pub async fn send(&mut self, request: http::request::Builder, body: Body) -> Answer {
        let line: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header(header::COOKIE, line.join("; ")).body(body).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Signed in as somebody with this role; see [`me`].
    #[must_use]
    pub fn signed_in(mut self, role: &str) -> Self {
        self.cookies.push(("__Host-tollgate_session".to_owned(), role.to_owned()));
        self
    }
}
