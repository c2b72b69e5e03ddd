//! `Idempotency-Key`: a request that creates is done once, however often it arrives.
//!
//! The answer is stored in the transaction that does the work, so there is no moment at which the
//! work is done and the answer is lost. It is kept for a day, for the same person, in the same
//! org, sealed under the master key (it may show a new key's secret). A refused request stores
//! nothing: it did nothing, and may be sent again.

use super::{Answer, ApiError, Result, answer, json};
use crate::app::App;
use crate::db::{SystemTx, Tx};
use crate::entropy;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use contract::error::ErrorCode;
use contract::seal::Sealed;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Set on an answer that repeats an earlier one.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept.
const LASTS: TimeDelta = TimeDelta::hours(24);

/// A request that creates: its body, and what makes it the same request when it comes again.
#[derive(Debug)]
pub struct Post<T> {
    pub body: T,
    app: App,
    key: String,
    fingerprint: [u8; 32],
}

/// An answer as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    status: u16,
    version: Option<i64>,
    body: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Post<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let key = key_of(request.headers())?;
        let mut hasher = blake3::Hasher::new();
        for part in [request.method().as_str(), request.uri().path()] {
            hasher.update(part.as_bytes());
            hasher.update(b"\n");
        }
        let bytes = json::read(request, app).await?;
        hasher.update(&bytes);
        let fingerprint = *hasher.finalize().as_bytes();
        Ok(Self { body: json::parse(&bytes)?, app: app.clone(), key, fingerprint })
    }
}

impl<T> Post<T> {
    /// Ends the request with the earlier answer if this very request was done before. Call it
    /// right after opening the transaction.
    ///
    /// # Errors
    /// The earlier answer; `idempotency.mismatch` for another request under the same key;
    /// `idempotency.in_flight` while the first is still running.
    pub async fn once(&self, tx: &mut impl Tx) -> Result<()> {
        let (person, org) = scope(tx)?;
        let lock = format!("idempotency/{person}/{}/{}", org.unwrap_or_default(), self.key);
        let is_first = sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "locked!""#,
            lock
        )
        .fetch_one(tx.conn())
        .await?;
        if !is_first {
            return Err(ApiError::new(
                ErrorCode::IdempotencyInFlight,
                "The first request with this Idempotency-Key is still running. Ask again in a moment.",
            )
            .retry_after(1));
        }
        let earlier = sqlx::query!(
            r#"select fingerprint, answer as "answer: sqlx::types::Json<Sealed>"
               from idempotency_keys
               where person_id = $1 and org_id is not distinct from $2 and key = $3"#,
            person,
            org,
            self.key,
        )
        .fetch_optional(tx.conn())
        .await?;
        let Some(earlier) = earlier else { return Ok(()) };
        if earlier.fingerprint != self.fingerprint {
            return Err(ApiError::new(
                ErrorCode::IdempotencyMismatch,
                "This Idempotency-Key was sent with another request. Use a new key for a new request.",
            ));
        }
        let opened = self.app.config.secrets.master_key.open(&lock, &earlier.answer.0);
        let answer = opened.map_err(ApiError::internal)?;
        Err(ApiError::Answered(Box::new(serde_json::from_slice(answer.expose())?)))
    }

    /// Stores the answer and commits, both or neither.
    ///
    /// # Errors
    /// Postgres refused: then nothing was written.
    pub async fn commit<B: Serialize>(
        &self,
        mut tx: impl Tx,
        answer: Answer<B>,
    ) -> Result<Answer<B>> {
        let (person, org) = scope(&tx)?;
        let context = format!("idempotency/{person}/{}/{}", org.unwrap_or_default(), self.key);
        let stored = serde_json::to_vec(&Stored {
            status: answer.status.as_u16(),
            version: answer.version,
            body: serde_json::to_string(&answer.body)?,
        })?;
        let master = &self.app.config.secrets.master_key;
        let sealed =
            master.seal(&context, &stored, &entropy::bytes()).map_err(ApiError::internal)?;
        let now = tx.now();
        sqlx::query!(
            "insert into idempotency_keys (person_id, org_id, key, fingerprint, answer, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            person,
            org,
            self.key,
            self.fingerprint.as_slice(),
            sqlx::types::Json(&sealed) as _,
            now,
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(answer)
    }
}

/// Forgets answers whose day is over.
///
/// # Errors
/// Postgres refused.
pub async fn delete_expired(tx: &mut SystemTx) -> sqlx::Result<()> {
    let before = tx.now() - LASTS;
    sqlx::query!("delete from idempotency_keys where created_at <= $1", before)
        .execute(tx.conn())
        .await?;
    Ok(())
}

fn scope(tx: &impl Tx) -> Result<(uuid::Uuid, Option<uuid::Uuid>)> {
    let person = tx.actor().person_id.ok_or_else(|| {
        ApiError::internal(anyhow::anyhow!("an idempotent operation needs a person"))
    })?;
    Ok((person.0, tx.org().map(|org| org.0)))
}

fn key_of(headers: &HeaderMap) -> Result<String> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else {
        return Err(ApiError::new(
            ErrorCode::IdempotencyRequired,
            "Send an Idempotency-Key header: any text that is new for each thing to create, \
             for example a UUID. It makes a retry safe.",
        ));
    };
    value.to_str().ok().filter(|key| (1..=255).contains(&key.len())).map(str::to_owned).ok_or_else(
        || {
            ApiError::new(
                ErrorCode::RequestHeaderInvalid,
                "Idempotency-Key must be 1 to 255 visible ASCII characters.",
            )
        },
    )
}

impl IntoResponse for Stored {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        if let Some(etag) = self.version.and_then(answer::etag) {
            headers.insert(ETAG, etag);
        }
        response
    }
}
