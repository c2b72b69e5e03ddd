//! Putting one provider's models into the catalogue: what is missing is made, what is there stays.

use super::refused;
use crate::catalog::{self, create_plan, create_product, update_product};
use crate::db::{SystemTx, Tx as _};
use crate::models::{self, create, create_deployment, create_price, update};
use crate::providers;
use chrono::TimeDelta;
use contract::api::billing::UnknownPolicy;
use contract::api::catalog::{
    Approval, CreatePlan, CreateProduct, PlanLimit, Product, ProductState, UpdateProduct,
};
use contract::api::models::{CreateDeployment, CreateModel, Model, UpdateModel};
use contract::api::providers::{CreateProvider, Provider};
use contract::money::{Rates, UnitRates, Usd};
use contract::seal::MasterKey;
use contract::snapshot::{Lifecycle, Metric, Modality, Window};

const PRICED_SINCE: TimeDelta = TimeDelta::days(60);

/// A model to offer.
pub struct Offer {
    pub name: String,
    pub display_name: String,
    pub upstream_model: String,
    pub modality: Modality,
    pub context_tokens_max: u32,
    pub output_tokens_max: u32,
    /// Dollars per million tokens.
    pub input_usd: Usd,
    pub output_usd: Usd,
    pub cached_input_usd: Option<Usd>,
    /// Dollars for each call, whatever its size.
    pub per_call_usd: Usd,
    /// What is not counted in tokens.
    pub units: UnitRates,
}

/// The provider of that slug, made where it is missing.
pub async fn provider(
    tx: &mut SystemTx,
    master: &MasterKey,
    new: &CreateProvider,
) -> anyhow::Result<Provider> {
    match providers::store::find_by_slug(tx, &new.slug).await? {
        Some(provider) => Ok(provider),
        None => providers::create::create(tx, new, master).await.map_err(refused),
    }
}

/// The model of that name, priced, deployed with `provider` and active.
pub async fn model(tx: &mut SystemTx, provider: &Provider, offer: &Offer) -> anyhow::Result<Model> {
    if let Some(model) = models::store::find_by_name(tx, &offer.name).await? {
        return Ok(model);
    }
    let new = CreateModel {
        name: offer.name.clone(),
        display_name: offer.display_name.clone(),
        modality: offer.modality,
        context_tokens_max: offer.context_tokens_max,
        output_tokens_max: offer.output_tokens_max,
    };
    let model = create::create(tx, &new).await.map_err(refused)?;
    let rates = Rates {
        input: offer.input_usd.0,
        output: offer.output_usd.0,
        cached_input: offer.cached_input_usd.map(|usd| usd.0),
        per_call: offer.per_call_usd.0,
        units: offer.units,
        ..Rates::default()
    };
    // In force since before the month of use that the demo shows.
    let since = tx.now() - PRICED_SINCE;
    create_price::set(tx, model.id, None, &rates, since).await.map_err(refused)?;
    let deployment = CreateDeployment {
        provider_id: provider.id,
        upstream_model: offer.upstream_model.clone(),
        region: String::new(),
        weight: 100,
        context_tokens_max: 0,
        lacks: Vec::new(),
        model_version: None,
    };
    create_deployment::create(tx, model.id, &deployment).await.map_err(refused)?;
    let active = UpdateModel {
        display_name: model.display_name.clone(),
        state: Lifecycle::Active,
        context_tokens_max: model.context_tokens_max,
        output_tokens_max: model.output_tokens_max,
        sunset_at: None,
        successor: None,
    };
    update::update(tx, model, &active).await.map_err(refused)
}

/// The product of that slug, with `plans`, published.
pub async fn product(
    tx: &mut SystemTx,
    new: &CreateProduct,
    plans: &[CreatePlan],
) -> anyhow::Result<Product> {
    if let Some(product) = catalog::store::find_by_slug(tx, &new.slug).await? {
        return Ok(product);
    }
    let product = create_product::create(tx, new).await.map_err(refused)?;
    for plan in plans {
        create_plan::create(tx, product.id, plan).await.map_err(refused)?;
    }
    let published = UpdateProduct {
        name: product.name.clone(),
        summary: product.summary.clone(),
        description: product.description.clone(),
        state: ProductState::Published,
        model_ids: new.model_ids.clone(),
    };
    update_product::update(tx, product, &published).await.map_err(refused)
}

/// A plan that needs no approval.
pub fn plan(slug: &str, name: &str, about: &str, per_minute: i64, month_usd: Usd) -> CreatePlan {
    CreatePlan {
        slug: slug.to_owned(),
        name: name.to_owned(),
        description: about.to_owned(),
        approval: Approval::Auto,
        default_for_new_apps: false,
        output_tokens_max: None,
        unknown_policy: UnknownPolicy::Forgive,
        limits: vec![
            PlanLimit::new(Metric::Requests, Window::Minute, Some(per_minute), None),
            PlanLimit::new(Metric::Money, Window::Month, None, Some(month_usd)),
        ],
        tariff: None,
        cache: contract::snapshot::CachePolicy::default(),
        priority: 0,
    }
}

/// Whole cents as dollars.
pub const fn cents(count: i64) -> Usd {
    Usd(contract::money::Nanos(count * 10_000_000))
}
