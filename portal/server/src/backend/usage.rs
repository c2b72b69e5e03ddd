//! Usage and onboarding.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::usage::{Onboarding, UsageReport};

impl Backend<'_> {
    /// # Errors
    /// Refusals of the filter.
    pub async fn usage(&self, org: &str, query: Query<'_>) -> Result<UsageReport, Fault> {
        self.get(&["orgs", org, "usage"], query).await
    }

    /// # Errors
    /// Not found for everybody who is not a member.
    pub async fn onboarding(&self, org: &str) -> Result<Onboarding, Fault> {
        self.get(&["orgs", org, "onboarding"], &[]).await
    }
}
