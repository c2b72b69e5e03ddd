//! Wallets, ledgers, calls of unknown outcome; and how well the money is.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::billing::{
    Account, CreateCorrection, CreateCredit, Credit, LedgerTransaction, ResolveUnknown, Unknown,
    UpdateBilling, Wallet,
};
use contract::api::health::{DeploymentsHealth, Health};
use contract::page::Page;

impl Backend<'_> {
    /// # Errors
    /// `role.forbidden`.
    pub async fn wallet(&self, org: &str) -> Result<Wallet, Fault> {
        self.get(&["orgs", org, "wallet"], &[]).await
    }

    /// # Errors
    /// `role.forbidden`; refusals of the filter.
    pub async fn ledger(
        &self,
        org: &str,
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<LedgerTransaction>, Fault> {
        self.page(&["orgs", org, "ledger"], query, cursor).await
    }

    /// # Errors
    /// `role.forbidden`.
    pub async fn unknowns(
        &self,
        org: &str,
        cursor: Option<String>,
    ) -> Result<Page<Unknown>, Fault> {
        self.page(&["orgs", org, "unknowns"], &[], cursor).await
    }

    /// # Errors
    /// Not found for everybody who is no operator, like all that follow.
    pub async fn accounts(&self, cursor: Option<String>) -> Result<Page<Account>, Fault> {
        self.page(&["admin", "orgs"], &[], cursor).await
    }

    /// # Errors
    /// Not found.
    pub async fn account(&self, org: &str) -> Result<Account, Fault> {
        self.get(&["admin", "orgs", org], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn account_wallet(&self, org: &str) -> Result<Wallet, Fault> {
        self.get(&["admin", "orgs", org, "wallet"], &[]).await
    }

    /// # Errors
    /// Not found; refusals of the filter.
    pub async fn account_ledger(
        &self,
        org: &str,
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<LedgerTransaction>, Fault> {
        self.page(&["admin", "orgs", org, "ledger"], query, cursor).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_billing(
        &self,
        org: &str,
        version: i64,
        body: &UpdateBilling,
    ) -> Result<Account, Fault> {
        self.patch(&["admin", "orgs", org, "billing"], version, body).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_credit(
        &self,
        org: &str,
        key: &str,
        body: &CreateCredit,
    ) -> Result<Credit, Fault> {
        self.post(&["admin", "orgs", org, "credits"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.conflict`.
    pub async fn create_correction(
        &self,
        transaction: &str,
        key: &str,
        body: &CreateCorrection,
    ) -> Result<LedgerTransaction, Fault> {
        self.post(&["admin", "ledger", transaction, "corrections"], key, body).await
    }

    /// # Errors
    /// See [`Backend::accounts`].
    pub async fn all_unknowns(&self, cursor: Option<String>) -> Result<Page<Unknown>, Fault> {
        self.page(&["admin", "unknowns"], &[], cursor).await
    }

    /// # Errors
    /// Refusals of fields; `object.conflict`.
    pub async fn resolve_unknown(
        &self,
        request: &str,
        key: &str,
        body: &ResolveUnknown,
    ) -> Result<Unknown, Fault> {
        self.post(&["admin", "unknowns", request, "resolve"], key, body).await
    }

    /// # Errors
    /// See [`Backend::accounts`].
    pub async fn health(&self) -> Result<Health, Fault> {
        self.get(&["admin", "health"], &[]).await
    }

    /// # Errors
    /// See [`Backend::accounts`].
    pub async fn deployments_health(&self) -> Result<DeploymentsHealth, Fault> {
        self.get(&["admin", "deployments", "health"], &[]).await
    }
}
