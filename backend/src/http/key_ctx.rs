//! [`KeyCtx`]: a request of a program, known by its API key. It sees its own app's use, nothing else.

use super::layer::call::Call;
use super::{ApiError, Result};
use crate::app::App;
use crate::audit::Actor;
use crate::db::{SystemTx, Tx as _};
use crate::identity::throttle;
use axum::extract::FromRequestParts;
use contract::error::ErrorCode;
use contract::id::{AppId, KeyId, OrgId};
use contract::key::{KeyHash, ParsedKey};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

/// Questions that one key may ask in a minute.
const KEY_PER_MINUTE: i32 = 120;
/// Keys that do not work which one address may send in a minute.
const REFUSED_PER_MINUTE: i32 = 60;

/// A request of a program. [`super::layer::authenticate`] makes it.
#[derive(Debug, Clone)]
pub struct KeyCtx {
    app: App,
    call: Call,
    pub key: KeyId,
    pub app_id: AppId,
    pub org: OrgId,
}

impl KeyCtx {
    /// Finds out whose key the request carries.
    ///
    /// # Errors
    /// `key.*`, `app.disabled`, `org.suspended`; `limit.requests` when it asks too often.
    pub(super) async fn authenticate(app: &App, call: Call, headers: &HeaderMap) -> Result<Self> {
        match Self::find(app, call, headers).await {
            Ok(found) => {
                throttle::per_minute(app, &format!("key:{}", found.key), KEY_PER_MINUTE).await?;
                Ok(found)
            }
            Err(refusal) => {
                let ip = call.ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
                throttle::per_minute(app, &format!("keys of:{ip}"), REFUSED_PER_MINUTE).await?;
                Err(refusal)
            }
        }
    }

    async fn find(app: &App, call: Call, headers: &HeaderMap) -> Result<Self> {
        let text = headers.get(AUTHORIZATION).ok_or_else(|| {
            refuse(ErrorCode::KeyMissing, "Send your API key as `Authorization: Bearer tg_…`.")
        })?;
        let text = text.to_str().ok().and_then(|text| text.split_once(' '));
        let key = text
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, key)| ParsedKey::parse(key.trim()))
            .ok_or_else(|| {
                refuse(
                    ErrorCode::KeyMalformed,
                    "This is not a whole key: check that all of it was copied.",
                )
            })?;
        let mut tx = call.system_tx(app, "find the org of an API key").await?;
        let row = sqlx::query!(
            r#"select api_keys.id as "id: KeyId", api_keys.app_id as "app_id: AppId",
                 api_keys.org_id as "org_id: OrgId", secret_hash, expires_at, revoked_at,
                 apps.disabled, orgs.suspended
               from api_keys join apps on apps.id = api_keys.app_id
                 join orgs on orgs.id = api_keys.org_id
               where public_id = $1 and env = $2"#,
            key.public_id,
            key.env.as_str(),
        )
        .fetch_optional(tx.conn())
        .await?;
        let now = tx.now();
        tx.commit().await?;
        let hash = app.config.secrets.key_pepper.hash(&key);
        let row = row
            .filter(|row| {
                <[u8; 32]>::try_from(row.secret_hash.as_slice())
                    .is_ok_and(|stored| KeyHash(stored) == hash)
            })
            .ok_or_else(|| refuse(ErrorCode::KeyUnknown, "No such key. Was it deleted?"))?;
        if row.revoked_at.is_some_and(|at| at <= now) {
            return Err(refuse(ErrorCode::KeyRevoked, "The key was revoked. Make a new one."));
        }
        if row.expires_at.is_some_and(|at| at <= now) {
            return Err(refuse(ErrorCode::KeyExpired, "The key has expired. Make a new one."));
        }
        if row.suspended {
            return Err(refuse(ErrorCode::OrgSuspended, "The organisation is suspended."));
        }
        if row.disabled {
            return Err(refuse(
                ErrorCode::AppDisabled,
                "The app is disabled. Enable it in the portal.",
            ));
        }
        Ok(Self { app: app.clone(), call, key: row.id, app_id: row.app_id, org: row.org_id })
    }

    #[must_use]
    pub const fn app(&self) -> &App {
        &self.app
    }

    /// A transaction that can be narrowed to the key's org.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn system_tx(&self, reason: &'static str) -> Result<SystemTx> {
        let program =
            Actor { ip: self.call.ip, call: Some(self.call.id), ..Actor::platform("key") };
        Ok(SystemTx::begin(&self.app, program, reason).await?)
    }
}

fn refuse(code: ErrorCode, detail: &str) -> ApiError {
    ApiError::new(code, detail)
}

impl<S: Send + Sync> FromRequestParts<S> for KeyCtx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| refuse(ErrorCode::KeyMissing, "Send your API key."))
    }
}
