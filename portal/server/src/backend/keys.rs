//! API keys.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::keys::{CreateKey, CreatedKey, Key};
use contract::page::Page;

impl Backend<'_> {
    /// # Errors
    /// Refusals of the filter.
    pub async fn keys(
        &self,
        org: &str,
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<Key>, Fault> {
        self.page(&["orgs", org, "keys"], query, cursor).await
    }

    /// # Errors
    /// Not found.
    pub async fn key(&self, org: &str, key: &str) -> Result<Key, Fault> {
        self.get(&["orgs", org, "keys", key], &[]).await
    }

    /// The answer holds the secret, once.
    ///
    /// # Errors
    /// Refusals of fields.
    pub async fn create_key(
        &self,
        org: &str,
        key: &str,
        body: &CreateKey,
    ) -> Result<CreatedKey, Fault> {
        self.post(&["orgs", org, "keys"], key, body).await
    }

    /// # Errors
    /// Not found; a conflict when it was revoked before.
    pub async fn revoke_key(&self, org: &str, key: &str, once: &str) -> Result<Key, Fault> {
        self.post(&["orgs", org, "keys", key, "revoke"], once, &()).await
    }
}
