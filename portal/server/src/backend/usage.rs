//! Usage, costs, single requests and onboarding.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::own::RequestDetail;
use contract::api::tariffs::PlanMonth;
use contract::api::usage::{CostReport, Onboarding, RequestRow, UsageReport};
use contract::page::Page;

impl Backend<'_> {
    /// # Errors
    /// Refusals of the filter.
    pub async fn usage(&self, org: &str, query: Query<'_>) -> Result<UsageReport, Fault> {
        self.get(&["orgs", org, "usage"], query).await
    }

    /// # Errors
    /// `role.forbidden`; refusals of the filter.
    pub async fn costs(&self, org: &str, query: Query<'_>) -> Result<CostReport, Fault> {
        self.get(&["orgs", org, "costs"], query).await
    }

    /// What tariffs make of the month that runs.
    ///
    /// # Errors
    /// `role.forbidden`.
    pub async fn plan_months(&self, org: &str) -> Result<Vec<PlanMonth>, Fault> {
        self.all(&["orgs", org, "plan-months"], &[]).await
    }

    /// The same as a file.
    ///
    /// # Errors
    /// As [`Backend::costs`].
    pub async fn costs_csv(&self, org: &str, query: Query<'_>) -> Result<reqwest::Response, Fault> {
        self.download(&["orgs", org, "costs.csv"], query).await
    }

    /// # Errors
    /// `role.forbidden`; refusals of the filter.
    pub async fn requests(
        &self,
        org: &str,
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<RequestRow>, Fault> {
        self.page(&["orgs", org, "requests"], query, cursor).await
    }

    /// # Errors
    /// Not found.
    pub async fn single_request(&self, org: &str, request: &str) -> Result<RequestDetail, Fault> {
        self.get(&["orgs", org, "requests", request], &[]).await
    }

    /// # Errors
    /// Not found for everybody who is not a member.
    pub async fn onboarding(&self, org: &str) -> Result<Onboarding, Fault> {
        self.get(&["orgs", org, "onboarding"], &[]).await
    }
}
