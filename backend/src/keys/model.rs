//! What a key's columns mean. No I/O.

use contract::Timestamp;
use contract::api::keys::{Key, KeyState};
use contract::id::{AppId, KeyId};
use contract::key::{KeyEnv, mask};

/// A key as it is stored, with the name of its app.
#[derive(Debug, Clone)]
pub struct KeyRow {
    pub id: KeyId,
    pub app_id: AppId,
    pub app_name: String,
    pub name: String,
    pub env: KeyEnv,
    pub public_id: String,
    pub last_four: String,
    pub created_by_name: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub version: i64,
}

impl KeyRow {
    /// Whether it works at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }

    /// As the API shows it at `now`.
    #[must_use]
    pub fn shown(self, now: Timestamp) -> Key {
        Key {
            masked: mask(self.env, &self.public_id, &self.last_four),
            state: self.state(now),
            id: self.id,
            app_id: self.app_id,
            app_name: self.app_name,
            name: self.name,
            env: self.env,
            created_by_name: self.created_by_name,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
            version: self.version,
        }
    }
}
