//! Apps, and the limits an org sets on itself, its teams, apps and keys.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::apps::{App, CreateApp, UpdateApp};
use contract::api::limits::{
    CreateLimit, CreateLimitOverride, EffectiveLimits, Limit, LimitOverride, UpdateLimit,
};
use contract::page::Page;

impl Backend<'_> {
    /// # Errors
    /// Not found for everybody who is not a member.
    pub async fn apps(&self, org: &str, cursor: Option<String>) -> Result<Page<App>, Fault> {
        self.page(&["orgs", org, "apps"], &[], cursor).await
    }

    /// # Errors
    /// As [`Backend::apps`].
    pub async fn all_apps(&self, org: &str) -> Result<Vec<App>, Fault> {
        self.all(&["orgs", org, "apps"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn app(&self, org: &str, app: &str) -> Result<App, Fault> {
        self.get(&["orgs", org, "apps", app], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_app(&self, org: &str, key: &str, body: &CreateApp) -> Result<App, Fault> {
        self.post(&["orgs", org, "apps"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_app(
        &self,
        org: &str,
        app: &str,
        version: i64,
        body: &UpdateApp,
    ) -> Result<App, Fault> {
        self.patch(&["orgs", org, "apps", app], version, body).await
    }

    /// # Errors
    /// Not found for everybody who is not a member.
    pub async fn all_limits(&self, org: &str) -> Result<Vec<Limit>, Fault> {
        self.all(&["orgs", org, "limits"], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_limit(
        &self,
        org: &str,
        key: &str,
        body: &CreateLimit,
    ) -> Result<Limit, Fault> {
        self.post(&["orgs", org, "limits"], key, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn limit(&self, org: &str, limit: &str) -> Result<Limit, Fault> {
        self.get(&["orgs", org, "limits", limit], &[]).await
    }

    /// Limits and how they stand, narrowed to an app, a key, a model, a tag or one of them.
    ///
    /// # Errors
    /// Refusals of the filter.
    pub async fn effective_limits(
        &self,
        org: &str,
        query: Query<'_>,
    ) -> Result<EffectiveLimits, Fault> {
        self.get(&["orgs", org, "limits", "effective"], query).await
    }

    /// # Errors
    /// Refusals of fields; a conflict when somebody else changed it.
    pub async fn update_limit(
        &self,
        org: &str,
        limit: &str,
        version: i64,
        body: &UpdateLimit,
    ) -> Result<Limit, Fault> {
        self.patch(&["orgs", org, "limits", limit], version, body).await
    }

    /// # Errors
    /// Refusals of fields; a conflict when another is in the way.
    pub async fn create_limit_override(
        &self,
        org: &str,
        limit: &str,
        key: &str,
        body: &CreateLimitOverride,
    ) -> Result<LimitOverride, Fault> {
        self.post(&["orgs", org, "limits", limit, "overrides"], key, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn end_limit_override(&self, org: &str, limit: &str, one: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "limits", limit, "overrides", one]).await
    }

    /// # Errors
    /// Not found.
    pub async fn delete_limit(&self, org: &str, limit: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "limits", limit]).await
    }
}
