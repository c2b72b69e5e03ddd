//! The typed client of the control API, a file a domain. It carries the visitor's session there
//! and the session's cookies back; every refusal comes out as a [`Fault`].

mod apps;
mod billing;
mod budgets;
mod catalog;
mod identity;
mod keys;
mod lifecycle;
mod operator;
mod orgs;
mod people;
mod routes;
mod usage;

use crate::App;
use crate::fault::Fault;
use crate::http::arrival::{Arrival, REQUEST_ID, token};
use crate::http::cookies::SESSION;
use contract::error::{ErrorCode, Problem};
use contract::page::{LIMIT_MAX, Page};
use http::{HeaderValue, Method, StatusCode, header};
use reqwest::RequestBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How often and how long to wait for the first of two equal requests.
const IN_FLIGHT_TRIES: u8 = 10;
const IN_FLIGHT_WAIT: Duration = Duration::from_millis(200);

/// The most rows that [`Backend::all`] reads.
const ALL_MAX: usize = 1_000;

/// Query parameters by name.
pub type Query<'a> = &'a [(&'a str, String)];

/// The control API on behalf of one visitor.
#[derive(Debug, Clone, Copy)]
pub struct Backend<'a> {
    app: &'a App,
    arrival: &'a Arrival,
}

impl<'a> Backend<'a> {
    pub(crate) fn new(app: &'a App, arrival: &'a Arrival) -> Self {
        Self { app, arrival }
    }

    /// Reads. `path` is a list of segments under `/v1`; they are escaped here.
    ///
    /// # Errors
    /// A [`Fault`], like all its siblings.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: Query<'_>,
    ) -> Result<T, Fault> {
        self.json(self.request(Method::GET, path)?.query(query)).await
    }

    /// Reads one page of a list: the first, or the one at `cursor`.
    ///
    /// # Errors
    /// As [`Backend::get`].
    pub async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<T>, Fault> {
        let mut query = query.to_vec();
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        self.get(path, &query).await
    }

    /// Reads a whole list, up to [`ALL_MAX`] rows: for choices, and lists that stay short.
    ///
    /// # Errors
    /// As [`Backend::get`].
    pub async fn all<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: Query<'_>,
    ) -> Result<Vec<T>, Fault> {
        let mut query = query.to_vec();
        query.push(("limit", LIMIT_MAX.to_string()));
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let page: Page<T> = self.page(path, &query, cursor).await?;
            rows.extend(page.items);
            cursor = page.next;
            if cursor.is_none() || rows.len() >= ALL_MAX {
                return Ok(rows);
            }
        }
    }

    /// Reads something that is not JSON, to pass it on: a CSV.
    ///
    /// # Errors
    /// As [`Backend::get`].
    pub async fn download(
        &self,
        path: &[&str],
        query: Query<'_>,
    ) -> Result<reqwest::Response, Fault> {
        self.send(self.request(Method::GET, path)?.query(query)).await
    }

    /// Creates or acts, once per `key` however often it is sent.
    ///
    /// # Errors
    /// As [`Backend::get`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Fault> {
        let fresh = token().map_err(|_| Fault::Broken)?;
        let key = if key.is_empty() { &fresh } else { key };
        for _ in 0..IN_FLIGHT_TRIES {
            let request = self.request(Method::POST, path)?.header("idempotency-key", key);
            match self.json(request.json(body)).await {
                // A double click: the first is at work, and its answer will be ours too.
                Err(fault) if fault.is(ErrorCode::IdempotencyInFlight) => {
                    tokio::time::sleep(IN_FLIGHT_WAIT).await;
                }
                answer => return answer,
            }
        }
        let request = self.request(Method::POST, path)?.header("idempotency-key", key);
        self.json(request.json(body)).await
    }

    /// Edits the version that was read.
    ///
    /// # Errors
    /// As [`Backend::get`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        version: i64,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Fault> {
        let request =
            self.request(Method::PATCH, path)?.header(header::IF_MATCH, format!("\"{version}\""));
        self.json(request.json(body)).await
    }

    /// Removes.
    ///
    /// # Errors
    /// As [`Backend::get`].
    pub async fn delete(&self, path: &[&str]) -> Result<(), Fault> {
        self.send(self.request(Method::DELETE, path)?).await.map(|_| ())
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, Fault> {
        // A segment that means "up" or nothing would change which operation is called.
        if path.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(Fault::NotFound);
        }
        let mut url = self.app.config.api_url.clone();
        url.path_segments_mut().map_err(|()| Fault::Broken)?.pop_if_empty().push("v1").extend(path);
        let mut request =
            self.app.http.request(method, url).header(REQUEST_ID, self.arrival.request_id());
        if let Some(client) = self.arrival.client() {
            request = request.header("x-forwarded-for", client.to_string());
        }
        if let Some(session) = self.arrival.session() {
            let mut line = HeaderValue::from_str(&format!("{SESSION}={session}"))
                .map_err(|_| Fault::SignIn)?;
            line.set_sensitive(true);
            request = request.header(header::COOKIE, line);
        }
        Ok(request)
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Fault> {
        let body = self.send(request).await?.bytes().await.map_err(|error| self.lost(&error))?;
        // "No content" reads as JSON's null, which is what `()` is made from.
        let text: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(text).map_err(|error| {
            tracing::error!(request_id = self.arrival.request_id(), %error, "the control API sent another shape");
            Fault::Broken
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, Fault> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        for line in response.headers().get_all(header::SET_COOKIE) {
            self.arrival.set_cookie(line.clone());
        }
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.lost(&error))?;
        Err(self.refusal(status, &body))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Fault {
        let problem = serde_json::from_slice::<Problem>(body).ok();
        match (status, problem) {
            (StatusCode::UNAUTHORIZED, Some(problem))
                if problem.code == ErrorCode::SessionMissing.as_str() =>
            {
                Fault::SignIn
            }
            (status, Some(problem)) if status.is_client_error() => {
                Fault::Refused(Box::new(problem))
            }
            (
                StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT,
                _,
            ) => Fault::Unreachable,
            (status, _) => {
                let request_id = self.arrival.request_id();
                tracing::error!(request_id, status = status.as_u16(), "the control API failed");
                Fault::Broken
            }
        }
    }

    fn lost(&self, error: &reqwest::Error) -> Fault {
        tracing::warn!(request_id = self.arrival.request_id(), %error, "the control API did not answer");
        Fault::Unreachable
    }
}
