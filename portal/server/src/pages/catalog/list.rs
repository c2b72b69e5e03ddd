//! `GET /catalog` and `GET /o/{org}/catalog`: filters live in the address.

use crate::address;
use crate::fault::Fault;
use crate::visit::{OrgVisit, Visit};
use axum::response::Response;
use contract::api::catalog::ProductSummary;
use contract::page::Page;
use contract::role::Action;
use contract::snapshot::Modality;
use leptos::prelude::*;
use portal_app::components::{
    Button, Choice, EmptyState, Field, LinkButton, Look, NextPage, PageHead, SearchForm, Select,
    Sign,
};
use portal_app::nav::Place;
use portal_app::text::catalog as text;

/// # Errors
/// When the control API does not answer.
pub async fn public(visit: Visit) -> Result<Response, Fault> {
    let me = visit.me().await?;
    let found = load(&visit, None).await?;
    Ok(visit.page(text::TITLE, me.as_ref(), || view(&visit, found, "/catalog".to_owned())))
}

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn org(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewCatalog)?;
    let found = load(&visit, Some(&visit.org.slug)).await?;
    let base = visit.at("/catalog");
    Ok(visit.page(Place::Catalog, text::TITLE, || view(&visit, found, base)))
}

/// The filter of the address, as the control API knows it.
fn filter(visit: &Visit) -> Vec<(&'static str, String)> {
    ["q", "modality"]
        .into_iter()
        .filter_map(|name| visit.query(name).map(|value| (name, value)))
        .collect()
}

async fn load(visit: &Visit, org: Option<&str>) -> Result<Page<ProductSummary>, Fault> {
    visit.backend().catalog(org, &filter(visit), visit.query("cursor")).await
}

fn view(visit: &Visit, found: Page<ProductSummary>, base: String) -> impl IntoView + use<> {
    let filtered = !filter(visit).is_empty();
    let paged = found.has_more || visit.query("cursor").is_some();
    let count = text::found(found.items.len(), paged);
    let (q, modality) = (visit.query("q"), visit.query("modality"));
    let next = address::next(visit, found.next);
    let list = match (found.items.is_empty(), filtered) {
        (true, true) => {
            let all = base.clone();
            view! {
                <EmptyState sign=Sign::Catalog title=text::NONE why=text::NONE_WHY>
                    <LinkButton href=all label=text::CLEAR look=Look::Quiet />
                </EmptyState>
            }
            .into_any()
        }
        (true, false) => {
            view! { <EmptyState sign=Sign::Catalog title=text::EMPTY why=text::EMPTY_WHY /> }
                .into_any()
        }
        (false, _) => {
            let cards = found.items.into_iter().map(|product| card(product, &base)).collect_view();
            view! { <ul class="products">{cards}</ul> }.into_any()
        }
    };
    let mut kinds = vec![Choice::new("", text::ANY)];
    kinds.extend(
        Modality::ALL
            .iter()
            .map(|modality| Choice::new(modality.as_str(), text::modality(*modality))),
    );
    view! {
        <PageHead title=text::TITLE lead=text::LEAD />
        <SearchForm action=base>
            <Field
                name="q"
                label=text::SEARCH
                kind="search"
                value=q.unwrap_or_default()
                optional=true
            />
            <Select
                name="modality"
                label=text::MODALITY
                value=modality.unwrap_or_default()
                choices=kinds
            />
            <Button label=text::FILTER look=Look::Quiet />
        </SearchForm>
        <p class="count" role="status">{count}</p>
        {list}
        <NextPage href=next />
    }
}

fn card(product: ProductSummary, base: &str) -> impl IntoView + use<> {
    let href = format!("{base}/{}", product.slug);
    let kinds: Vec<_> = product.modalities.into_iter().map(text::modality).collect();
    let models: Vec<_> = product
        .model_names
        .into_iter()
        .map(|name| view! { <li><code>{name}</code></li> })
        .collect();
    let price = (!models.is_empty()).then(|| view! { <p>{text::from(product.from)}</p> });
    let subscribed = (product.subscribed_apps > 0)
        .then(|| view! { <p class="product-mine">{text::subscribed(product.subscribed_apps)}</p> });
    view! {
        <li class="product">
            <p class="eyebrow">{kinds.join(", ")}</p>
            <h2><a href=href>{product.name}</a></h2>
            <p>{product.summary}</p>
            <ul class="product-models" aria-label=text::MODELS>{models}</ul>
            <div class="product-foot">{price} {subscribed}</div>
        </li>
    }
}
