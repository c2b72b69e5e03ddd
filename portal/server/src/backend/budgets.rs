//! Budgets and webhooks.

use super::Backend;
use crate::fault::Fault;
use contract::api::budgets::{Budget, BudgetAlert, CreateBudget, CreateRaise, UpdateBudget};
use contract::api::webhooks::{
    CreateWebhook, CreatedWebhook, Delivery, RotateWebhook, TestWebhook, Webhook,
};
use contract::page::Page;

impl Backend<'_> {
    /// # Errors
    /// `role.forbidden`.
    pub async fn all_budgets(&self, org: &str) -> Result<Vec<Budget>, Fault> {
        self.all(&["orgs", org, "budgets"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn budget(&self, org: &str, budget: &str) -> Result<Budget, Fault> {
        self.get(&["orgs", org, "budgets", budget], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_budget(
        &self,
        org: &str,
        key: &str,
        body: &CreateBudget,
    ) -> Result<Budget, Fault> {
        self.post(&["orgs", org, "budgets"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_budget(
        &self,
        org: &str,
        budget: &str,
        version: i64,
        body: &UpdateBudget,
    ) -> Result<Budget, Fault> {
        self.patch(&["orgs", org, "budgets", budget], version, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn delete_budget(&self, org: &str, budget: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "budgets", budget]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn raise_budget(
        &self,
        org: &str,
        budget: &str,
        key: &str,
        body: &CreateRaise,
    ) -> Result<Budget, Fault> {
        self.post(&["orgs", org, "budgets", budget, "raises"], key, body).await
    }

    /// # Errors
    /// Not found, also when it is over.
    pub async fn end_raise(&self, org: &str, budget: &str, raise: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "budgets", budget, "raises", raise]).await
    }

    /// # Errors
    /// Not found.
    pub async fn budget_alerts(
        &self,
        org: &str,
        budget: &str,
        cursor: Option<String>,
    ) -> Result<Page<BudgetAlert>, Fault> {
        self.page(&["orgs", org, "budgets", budget, "alerts"], &[], cursor).await
    }

    /// # Errors
    /// `role.forbidden`.
    pub async fn all_webhooks(&self, org: &str) -> Result<Vec<Webhook>, Fault> {
        self.all(&["orgs", org, "webhooks"], &[]).await
    }

    /// The answer holds the secret, once.
    ///
    /// # Errors
    /// Refusals of fields.
    pub async fn create_webhook(
        &self,
        org: &str,
        key: &str,
        body: &CreateWebhook,
    ) -> Result<CreatedWebhook, Fault> {
        self.post(&["orgs", org, "webhooks"], key, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn delete_webhook(&self, org: &str, webhook: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "webhooks", webhook]).await
    }

    /// The answer holds the new secret, once.
    ///
    /// # Errors
    /// Not found.
    pub async fn rotate_webhook(
        &self,
        org: &str,
        webhook: &str,
        key: &str,
    ) -> Result<CreatedWebhook, Fault> {
        self.post(&["orgs", org, "webhooks", webhook, "rotate"], key, &RotateWebhook {}).await
    }

    /// # Errors
    /// Not found; a conflict when it is disabled.
    pub async fn test_webhook(
        &self,
        org: &str,
        webhook: &str,
        key: &str,
    ) -> Result<Webhook, Fault> {
        self.post(&["orgs", org, "webhooks", webhook, "test"], key, &TestWebhook {}).await
    }

    /// # Errors
    /// Not found.
    pub async fn deliveries(
        &self,
        org: &str,
        webhook: &str,
        cursor: Option<String>,
    ) -> Result<Page<Delivery>, Fault> {
        self.page(&["orgs", org, "webhooks", webhook, "deliveries"], &[], cursor).await
    }
}
