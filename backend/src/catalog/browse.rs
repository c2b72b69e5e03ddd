//! The catalogue as everybody sees it, and as the members of an org see it.

use super::model;
use super::shelf::{self, Filter};
use super::subscriptions::store as subscriptions;
use crate::app::App;
use crate::db::Tx;
use crate::http::page::query_param;
use crate::http::{Answer, ApiError, OrgCtx, PageQuery, Result};
use axum::extract::{FromRequestParts, RawPathParams, State};
use contract::api::catalog::{CatalogModel, ProductDetail, ProductSummary};
use contract::error::FieldError;
use contract::page::Page;
use contract::role::Action;
use contract::snapshot::Modality;
use http::request::Parts;

/// The product that the address names by slug or id.
#[derive(Debug)]
pub struct Named(String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found())?;
        let named = params.iter().find(|(name, _)| *name == "product").map(|(_, value)| value);
        // Postgres takes no NUL; such a name names nothing.
        named
            .filter(|value| !value.contains('\0'))
            .map(|value| Self(value.to_owned()))
            .ok_or_else(ApiError::not_found)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let q = query_param(parts, "q").map(|text| text.trim().to_owned());
        if q.as_ref().is_some_and(|text| text.chars().count() > 100 || text.contains('\0')) {
            let detail = "Search for at most 100 characters, none of them U+0000.";
            return Err(ApiError::invalid(vec![FieldError::new("?q", detail)]));
        }
        let modality = match query_param(parts, "modality").as_deref() {
            None => None,
            Some(word) => Some(Modality::parse(word).ok_or_else(|| {
                let known: Vec<_> = Modality::ALL.iter().map(|one| one.as_str()).collect();
                let detail = format!("Use one of {}, or leave it out.", known.join(", "));
                ApiError::invalid(vec![FieldError::new("?modality", detail)])
            })?),
        };
        Ok(Self { q: q.filter(|text| !text.is_empty()), modality })
    }
}

/// The catalogue, newest first. Needs no session.
#[utoipa::path(get, path = "/v1/catalog", tag = "catalog",
    params(("q" = Option<String>, Query), ("modality" = Option<Modality>, Query),
        ("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<ProductSummary>)))]
pub async fn list_catalog(
    State(app): State<App>,
    filter: Filter,
    page: PageQuery,
) -> Result<Answer<Page<ProductSummary>>> {
    let mut tx = app.system_tx("catalog", "show the public catalogue").await?;
    Ok(Answer::ok(summaries(&mut tx, &filter, &page).await?))
}

/// The catalogue as an org sees it, with the number of its apps that are subscribed.
#[utoipa::path(get, path = "/v1/orgs/{org}/catalog", tag = "catalog",
    params(("q" = Option<String>, Query), ("modality" = Option<Modality>, Query),
        ("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<ProductSummary>)))]
pub async fn list_org_catalog(
    ctx: OrgCtx,
    filter: Filter,
    page: PageQuery,
) -> Result<Answer<Page<ProductSummary>>> {
    let mut tx = ctx.tenant_tx(Action::ViewCatalog).await?;
    let mut page = summaries(&mut tx, &filter, &page).await?;
    let counts = subscriptions::count_apps(&mut tx).await?;
    for product in &mut page.items {
        product.subscribed_apps = counts.get(&product.id).copied().unwrap_or(0);
    }
    Ok(Answer::ok(page))
}

/// A product with its models, prices and plans. Needs no session.
#[utoipa::path(get, path = "/v1/catalog/{product}", tag = "catalog",
    responses((status = 200, body = ProductDetail)))]
pub async fn get_catalog_product(
    State(app): State<App>,
    Named(named): Named,
) -> Result<Answer<ProductDetail>> {
    let mut tx = app.system_tx("catalog", "show a product of the public catalogue").await?;
    let mut product = detail(&mut tx, &named).await?;
    shelf::sources(&mut tx, &mut product.models).await?;
    Ok(Answer::ok(product))
}

/// A product as an org sees it, with the org's subscriptions to it.
#[utoipa::path(get, path = "/v1/orgs/{org}/catalog/{product}", tag = "catalog",
    responses((status = 200, body = ProductDetail)))]
pub async fn get_org_catalog_product(
    ctx: OrgCtx,
    Named(named): Named,
) -> Result<Answer<ProductDetail>> {
    let mut tx = ctx.tenant_tx(Action::ViewCatalog).await?;
    let mut product = detail(&mut tx, &named).await?;
    if ctx.role().may(Action::ViewSubscriptions) {
        product.subscriptions = subscriptions::list_of_product(&mut tx, product.id).await?;
    }
    drop(tx);
    // Who runs a model is the platform's own table; only names leave it.
    let mut tx = ctx.app().system_tx("catalog", "name who runs a product's models").await?;
    shelf::sources(&mut tx, &mut product.models).await?;
    Ok(Answer::ok(product))
}

async fn summaries(
    tx: &mut impl Tx,
    filter: &Filter,
    page: &PageQuery,
) -> Result<Page<ProductSummary>> {
    let rows = shelf::list(tx, filter, page).await?;
    let page = page.page(rows, |row| (row.created_at, row.id.0));
    let ids: Vec<_> = page.items.iter().map(|product| product.id).collect();
    let mut models = shelf::models_of(tx, &ids).await?;
    Ok(page.map(|product| {
        let models = models.remove(&product.id).unwrap_or_default();
        ProductSummary {
            id: product.id,
            slug: product.slug,
            name: product.name,
            kind: product.kind,
            summary: product.summary,
            modalities: modalities(&models),
            input_from_usd: model::input_from(&models),
            from: model::from(&models),
            model_ids: models.iter().map(|model| model.id).collect(),
            model_names: models.into_iter().map(|model| model.name).collect(),
            subscribed_apps: 0,
        }
    }))
}

fn modalities(models: &[CatalogModel]) -> Vec<Modality> {
    Modality::ALL
        .iter()
        .copied()
        .filter(|modality| models.iter().any(|model| model.modality == *modality))
        .collect()
}

async fn detail(tx: &mut impl Tx, named: &str) -> Result<ProductDetail> {
    let product = shelf::find(tx, named).await?.ok_or_else(ApiError::not_found)?;
    let mut models = shelf::models_of(tx, &[product.id]).await?;
    Ok(ProductDetail {
        id: product.id,
        models: models.remove(&product.id).unwrap_or_default(),
        plans: shelf::plans_of(tx, product.id).await?,
        slug: product.slug,
        name: product.name,
        kind: product.kind,
        summary: product.summary,
        description: product.description,
        subscriptions: Vec::new(),
    })
}
