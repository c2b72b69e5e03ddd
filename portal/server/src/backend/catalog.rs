//! The catalogue and subscriptions to its products.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::catalog::{ProductDetail, ProductSummary, Subscribe, Subscription};
use contract::page::Page;

impl Backend<'_> {
    /// The catalogue as `org` sees it, or the public one.
    ///
    /// # Errors
    /// Refusals of the filter.
    pub async fn catalog(
        &self,
        org: Option<&str>,
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<ProductSummary>, Fault> {
        match org {
            Some(org) => self.page(&["orgs", org, "catalog"], query, cursor).await,
            None => self.page(&["catalog"], query, cursor).await,
        }
    }

    /// All products that `org` sees.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub async fn all_products_of(&self, org: &str) -> Result<Vec<ProductSummary>, Fault> {
        self.all(&["orgs", org, "catalog"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn product(&self, org: Option<&str>, product: &str) -> Result<ProductDetail, Fault> {
        match org {
            Some(org) => self.get(&["orgs", org, "catalog", product], &[]).await,
            None => self.get(&["catalog", product], &[]).await,
        }
    }

    /// # Errors
    /// `role.forbidden`.
    pub async fn all_subscriptions(&self, org: &str) -> Result<Vec<Subscription>, Fault> {
        self.all(&["orgs", org, "subscriptions"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn subscriptions(&self, org: &str, app: &str) -> Result<Vec<Subscription>, Fault> {
        self.all(&["orgs", org, "subscriptions"], &[("app", app.to_owned())]).await
    }

    /// # Errors
    /// `subscription.exists`; not found.
    pub async fn subscribe(
        &self,
        org: &str,
        key: &str,
        body: &Subscribe,
    ) -> Result<Subscription, Fault> {
        self.post(&["orgs", org, "subscriptions"], key, body).await
    }

    /// # Errors
    /// Not found; a conflict when it has ended already.
    pub async fn cancel_subscription(
        &self,
        org: &str,
        subscription: &str,
        key: &str,
    ) -> Result<Subscription, Fault> {
        self.post(&["orgs", org, "subscriptions", subscription, "cancel"], key, &()).await
    }
}
