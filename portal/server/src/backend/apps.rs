//! Apps, and the limits an org sets on itself, its teams, apps and keys.

use super::Backend;
use crate::fault::Fault;
use contract::api::apps::{App, CreateApp, UpdateApp};
use contract::api::limits::{CreateLimit, Limit};
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
    pub async fn delete_limit(&self, org: &str, limit: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "limits", limit]).await
    }
}
