//! The list of models.

use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::models::Model;
use leptos::prelude::*;
use portal_app::components::{
    Cell, CellKind, Count, DataTable, EmptyState, LinkButton, Look, PageHead, Sign, StateBadge,
};
use portal_app::nav::Place;
use portal_app::text::{admin as text, catalog, lifecycle, prices};

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let models = visit.backend().all_models().await?;
    Ok(visit.page(Place::AdminModels, text::MODELS, move || {
        let new = || view! { <LinkButton href="/admin/models/new" label=text::NEW_MODEL /> };
        let list = if models.is_empty() {
            view! {
                <EmptyState sign=Sign::Model title=text::NO_MODELS why=text::NO_MODELS_WHY>
                    {new()}
                </EmptyState>
            }
            .into_any()
        } else {
            table(models).into_any()
        };
        view! {
            <PageHead title=text::MODELS lead=text::MODELS_LEAD>
                <LinkButton
                    href="/admin/aliases"
                    label=lifecycle::ALIASES_TITLE
                    look=Look::Quiet
                />
                {new()}
            </PageHead>
            {list}
        }
    }))
}

fn table(models: Vec<Model>) -> impl IntoView {
    let columns = vec![
        (text::MODEL_NAME, CellKind::Head),
        (text::DISPLAY_NAME, CellKind::Text),
        (text::STATE, CellKind::Text),
        (text::MODALITY, CellKind::Text),
        (text::DEPLOYMENTS, CellKind::Number),
        (text::PRICE, CellKind::Text),
    ];
    let rows = models
        .into_iter()
        .map(|model| {
            let href = format!("/admin/models/{}", model.id);
            let deployments = model.deployments.len() as u64;
            let price = match &model.price {
                Some(price) => {
                    let brief = prices::brief(price, model.modality);
                    view! { <span class="money">{brief}</span> }.into_any()
                }
                None => view! { <span class="absent">{text::NO_PRICE}</span> }.into_any(),
            };
            vec![
                Cell::head(view! { <a href=href><code>{model.name}</code></a> }),
                Cell::text(model.display_name),
                Cell::text(view! { <StateBadge state=model.state /> }),
                Cell::text(catalog::modality(model.modality)),
                Cell::number(view! { <Count value=deployments /> }),
                Cell::text(price),
            ]
        })
        .collect();
    view! { <DataTable caption=text::MODELS columns=columns rows=rows /> }
}
