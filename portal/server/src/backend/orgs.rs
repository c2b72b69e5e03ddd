//! Organisations.

use super::Backend;
use crate::fault::Fault;
use contract::api::cache::CachePurged;
use contract::api::orgs::{CreateOrg, Org};

impl Backend<'_> {
    /// # Errors
    /// Not found for everybody who is not a member.
    pub async fn org(&self, org: &str) -> Result<Org, Fault> {
        self.get(&["orgs", org], &[]).await
    }

    /// # Errors
    /// Not permitted.
    pub async fn purge_cache(&self, org: &str, key: &str) -> Result<CachePurged, Fault> {
        self.post(&["orgs", org, "cache", "purge"], key, &()).await
    }

    /// # Errors
    /// Refusals of the name.
    pub async fn create_org(&self, key: &str, body: &CreateOrg) -> Result<Org, Fault> {
        self.post(&["orgs"], key, body).await
    }
}
