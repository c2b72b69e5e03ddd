//! What only an operator may: providers, models with their deployments and prices, products.

use super::Backend;
use crate::fault::Fault;
use contract::api::cache::CachePurged;
use contract::api::catalog::{
    CreatePlan, CreateProduct, Plan, Product, UpdatePlanLimits, UpdateProduct,
};
use contract::api::dead_letters::DeadLetter;
use contract::api::models::{
    CreateDeployment, CreateModel, CreatePrice, Deployment, Model, PriceVersion, UpdateDeployment,
    UpdateModel,
};
use contract::api::providers::{
    CreateProvider, DrainReplica, PoolHealth, Provider, ProviderTest, UpdateProvider,
};
use contract::api::tariffs::UpdatePlan;
use contract::page::Page;

impl Backend<'_> {
    /// Usage events that could not be booked: the open ones, or `all`.
    ///
    /// # Errors
    /// See [`Backend::all_providers`].
    pub async fn dead_letters(
        &self,
        all: bool,
        cursor: Option<String>,
    ) -> Result<Page<DeadLetter>, Fault> {
        let state = if all { "all" } else { "open" };
        self.page(&["admin", "dead-letters"], &[("state", state.to_owned())], cursor).await
    }

    /// Books one after all.
    ///
    /// # Errors
    /// `conflict` while it still cannot be booked.
    pub async fn replay_dead_letter(&self, letter: &str, key: &str) -> Result<DeadLetter, Fault> {
        self.post(&["admin", "dead-letters", letter, "replay"], key, &()).await
    }

    /// # Errors
    /// Not found for everybody who is no operator, like all of these.
    pub async fn all_providers(&self) -> Result<Vec<Provider>, Fault> {
        self.all(&["admin", "providers"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn provider(&self, provider: &str) -> Result<Provider, Fault> {
        self.get(&["admin", "providers", provider], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_provider(
        &self,
        key: &str,
        body: &CreateProvider,
    ) -> Result<Provider, Fault> {
        self.post(&["admin", "providers"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_provider(
        &self,
        provider: &str,
        version: i64,
        body: &UpdateProvider,
    ) -> Result<Provider, Fault> {
        self.patch(&["admin", "providers", provider], version, body).await
    }

    /// Calls the provider with the stored credential.
    ///
    /// # Errors
    /// Not found. A provider that does not answer is a result, not an error.
    pub async fn test_provider(&self, provider: &str, key: &str) -> Result<ProviderTest, Fault> {
        self.post(&["admin", "providers", provider, "test"], key, &()).await
    }

    /// How the gateways find the replicas of a pool.
    ///
    /// # Errors
    /// Not found; `object.conflict` where the provider is no pool.
    pub async fn replicas(&self, provider: &str) -> Result<PoolHealth, Fault> {
        self.get(&["admin", "providers", provider, "replicas"], &[]).await
    }

    /// # Errors
    /// A refusal of the address.
    pub async fn drain_replica(
        &self,
        provider: &str,
        key: &str,
        body: &DrainReplica,
    ) -> Result<Provider, Fault> {
        self.post(&["admin", "providers", provider, "drain"], key, body).await
    }

    /// # Errors
    /// See [`Backend::all_providers`].
    pub async fn all_models(&self) -> Result<Vec<Model>, Fault> {
        self.all(&["admin", "models"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn model(&self, model: &str) -> Result<Model, Fault> {
        self.get(&["admin", "models", model], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_model(&self, key: &str, body: &CreateModel) -> Result<Model, Fault> {
        self.post(&["admin", "models"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_model(
        &self,
        model: &str,
        version: i64,
        body: &UpdateModel,
    ) -> Result<Model, Fault> {
        self.patch(&["admin", "models", model], version, body).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_deployment(
        &self,
        model: &str,
        key: &str,
        body: &CreateDeployment,
    ) -> Result<Deployment, Fault> {
        self.post(&["admin", "models", model, "deployments"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_deployment(
        &self,
        deployment: &str,
        version: i64,
        body: &UpdateDeployment,
    ) -> Result<Deployment, Fault> {
        self.patch(&["admin", "deployments", deployment], version, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn all_prices(&self, model: &str) -> Result<Vec<PriceVersion>, Fault> {
        self.all(&["admin", "models", model, "prices"], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_price(
        &self,
        model: &str,
        key: &str,
        body: &CreatePrice,
    ) -> Result<PriceVersion, Fault> {
        self.post(&["admin", "models", model, "prices"], key, body).await
    }

    /// # Errors
    /// See [`Backend::all_providers`].
    pub async fn all_products(&self) -> Result<Vec<Product>, Fault> {
        self.all(&["admin", "products"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn admin_product(&self, product: &str) -> Result<Product, Fault> {
        self.get(&["admin", "products", product], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_product(&self, key: &str, body: &CreateProduct) -> Result<Product, Fault> {
        self.post(&["admin", "products"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; publishing refuses a model without a price; `object.version_stale`.
    pub async fn update_product(
        &self,
        product: &str,
        version: i64,
        body: &UpdateProduct,
    ) -> Result<Product, Fault> {
        self.patch(&["admin", "products", product], version, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn all_plans(&self, product: &str) -> Result<Vec<Plan>, Fault> {
        self.all(&["admin", "products", product, "plans"], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_plan(
        &self,
        product: &str,
        key: &str,
        body: &CreatePlan,
    ) -> Result<Plan, Fault> {
        self.post(&["admin", "products", product, "plans"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_plan(
        &self,
        plan: &str,
        version: i64,
        body: &UpdatePlan,
    ) -> Result<Plan, Fault> {
        self.patch(&["admin", "plans", plan], version, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn purge_product_cache(
        &self,
        product: &str,
        key: &str,
    ) -> Result<CachePurged, Fault> {
        self.post(&["admin", "products", product, "cache", "purge"], key, &()).await
    }

    /// # Errors
    /// Refusals of fields; a conflict when somebody else changed it.
    pub async fn update_plan_limits(
        &self,
        plan: &str,
        version: i64,
        body: &UpdatePlanLimits,
    ) -> Result<Plan, Fault> {
        self.patch(&["admin", "plans", plan, "limits"], version, body).await
    }
}
