//! Sessions: a cookie that means nothing by itself, and a row. The row is found by a hash of the
//! cookie, so a copy of the table signs nobody in, and it ends by our clock, not the browser's.

use super::store;
use crate::app::App;
use crate::db::{PersonTx, Tx as _};
use crate::http::Result;
use crate::http::ctx::Person;
use async_trait::async_trait;
use chrono::TimeDelta;
use contract::id::PersonId;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result as StoreResult};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
use uuid::Uuid;

pub const COOKIE: &str = "__Host-tollgate_session";
/// How long a session lasts from signing in.
const DAYS: i64 = 14;
const PERSON: &str = "person";

/// The layer that reads and sets the cookie.
#[must_use]
pub fn layer(app: &App) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store::new(app.clone()))
        .with_name(COOKIE)
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::days(DAYS)))
}

/// Signs `person` in, under a new session id: one known before signing in is worth nothing after.
///
/// # Errors
/// Postgres is not reachable.
pub async fn start(session: &Session, person: PersonId) -> Result<()> {
    session.cycle_id().await.map_err(unavailable)?;
    session.insert(PERSON, person).await.map_err(unavailable)?;
    Ok(())
}

/// Ends the session.
///
/// # Errors
/// Postgres is not reachable.
pub async fn end(session: &Session) -> Result<()> {
    session.flush().await.map_err(unavailable)
}

/// Who is signed in.
///
/// # Errors
/// Postgres is not reachable.
pub async fn person_of(app: &App, session: &Session) -> Result<Option<Person>> {
    let Some(id) = session.get::<PersonId>(PERSON).await.map_err(unavailable)? else {
        return Ok(None);
    };
    let actor = crate::audit::Actor::platform("sessions");
    let mut tx = PersonTx::begin(app, actor, id).await?;
    Ok(store::find_person(&mut tx, id).await?)
}

fn unavailable(error: tower_sessions::session::Error) -> crate::http::ApiError {
    use contract::error::ErrorCode;
    match error {
        tower_sessions::session::Error::Store(Error::Backend(_)) => crate::http::ApiError::new(
            ErrorCode::Unavailable,
            "The database is not reachable. Try again shortly.",
        )
        .retry_after(1),
        other => crate::http::ApiError::internal(other),
    }
}

/// Sessions in Postgres.
#[derive(Debug, Clone)]
pub struct Store(App);

impl Store {
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self(app)
    }
}

fn hash(id: &Id) -> [u8; 32] {
    blake3::derive_key("tollgate session v1", &id.0.to_le_bytes())
}

impl Store {
    async fn tx(&self, hash: &[u8; 32]) -> StoreResult<PersonTx> {
        PersonTx::begin_for_session(&self.0, &data_encoding::HEXLOWER.encode(hash))
            .await
            .map_err(backend)
    }

    async fn put(&self, record: &Record) -> StoreResult<()> {
        let hash = hash(&record.id);
        let person = record.data.get(PERSON).and_then(|value| value.as_str()?.parse().ok());
        let person: Option<Uuid> = person.map(|person: PersonId| person.0);
        let data = serde_json::to_value(&record.data).map_err(|e| Error::Encode(e.to_string()))?;
        let mut tx = self.tx(&hash).await?;
        let now = tx.now();
        sqlx::query!(
            "insert into sessions (token_hash, person_id, data, created_at, expires_at)
             values ($1, $2, $3, $4, $5)
             on conflict (token_hash) do update set person_id = $2, data = $3",
            hash.as_slice(),
            person,
            data,
            now,
            now + TimeDelta::days(DAYS),
        )
        .execute(tx.conn())
        .await
        .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}

fn backend(error: sqlx::Error) -> Error {
    tracing::error!(%error, "sessions");
    Error::Backend("sessions are not reachable".to_owned())
}

#[async_trait]
impl SessionStore for Store {
    /// Ids are 128 random bits: they do not collide.
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        self.put(record).await
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        self.put(record).await
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let hash = hash(id);
        let mut tx = self.tx(&hash).await?;
        let now = tx.now();
        let row = sqlx::query!(
            "select data, expires_at from sessions where token_hash = $1 and expires_at > $2",
            hash.as_slice(),
            now,
        )
        .fetch_optional(tx.conn())
        .await
        .map_err(backend)?;
        let Some(row) = row else { return Ok(None) };
        let decode = |e: String| Error::Decode(e);
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_value(row.data).map_err(|e| decode(e.to_string()))?,
            expiry_date: tower_sessions::cookie::time::OffsetDateTime::from_unix_timestamp(
                row.expires_at.timestamp(),
            )
            .map_err(|e| decode(e.to_string()))?,
        }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        let hash = hash(id);
        let mut tx = self.tx(&hash).await?;
        sqlx::query!("delete from sessions where token_hash = $1", hash.as_slice())
            .execute(tx.conn())
            .await
            .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}
