//! The list of products.

use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::catalog::Product;
use leptos::prelude::*;
use portal_app::components::{
    Cell, CellKind, Count, DataTable, Day, EmptyState, LinkButton, PageHead, Sign, StateBadge,
};
use portal_app::nav::Place;
use portal_app::text::admin as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let products = visit.backend().all_products().await?;
    Ok(visit.page(Place::AdminProducts, text::PRODUCTS, move || {
        let new = || view! { <LinkButton href="/admin/products/new" label=text::NEW_PRODUCT /> };
        let list = if products.is_empty() {
            view! {
                <EmptyState sign=Sign::Product title=text::NO_PRODUCTS why=text::NO_PRODUCTS_WHY>
                    {new()}
                </EmptyState>
            }
            .into_any()
        } else {
            table(products).into_any()
        };
        view! {
            <PageHead title=text::PRODUCTS lead=text::PRODUCTS_LEAD>{new()}</PageHead>
            {list}
        }
    }))
}

fn table(products: Vec<Product>) -> impl IntoView {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::STATE, CellKind::Text),
        (text::SUMMARY, CellKind::Text),
        (text::MODELS, CellKind::Text),
        (text::PLANS, CellKind::Number),
        (text::CREATED, CellKind::Text),
    ];
    let rows = products
        .into_iter()
        .map(|product| {
            let href = format!("/admin/products/{}", product.id);
            let plans = u64::from(product.plan_count);
            vec![
                Cell::head(view! { <a href=href>{product.name}</a> }),
                Cell::text(view! { <StateBadge state=product.state /> }),
                Cell::text(product.summary),
                Cell::text(view! { <code>{product.model_names.join(", ")}</code> }),
                Cell::number(view! { <Count value=plans /> }),
                Cell::text(view! { <Day at=product.created_at /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::PRODUCTS columns=columns rows=rows /> }
}
