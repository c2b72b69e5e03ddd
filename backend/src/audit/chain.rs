//! The hash chain: each entry's hash covers its own content and the hash before it.

use contract::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// The content a hash covers. The order of the fields is part of the format.
#[derive(Debug, Serialize)]
pub struct Link<'a> {
    pub seq: i64,
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub at: Timestamp,
    pub action: &'a str,
    pub actor_id: Option<Uuid>,
    pub actor_name: &'a str,
    pub actor_email: Option<&'a str>,
    pub actor_role: Option<&'a str>,
    pub ip: Option<String>,
    pub object_kind: &'a str,
    pub object_id: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
    pub request_id: Option<String>,
}

impl Link<'_> {
    /// # Errors
    /// Never in practice: every field has a JSON form.
    pub fn hash(&self, previous: &[u8]) -> serde_json::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_derive_key("tollgate audit chain v1");
        hasher.update(&u64::try_from(previous.len()).unwrap_or(0).to_be_bytes());
        hasher.update(previous);
        hasher.update(&serde_json::to_vec(self)?);
        Ok(*hasher.finalize().as_bytes())
    }
}
