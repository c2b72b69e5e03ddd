//! The list, and the form for a new provider.

use super::fields;
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::providers::Provider;
use contract::vendor::{VENDORS, Vendor};
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Count, Crumb, DataTable, Details, Disabled, EmptyState, Form,
    LinkButton, PageHead, Sign, StateBadge,
};
use portal_app::nav::Place;
use portal_app::text::admin as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let providers = visit.backend().all_providers().await?;
    Ok(visit.page(Place::AdminProviders, text::PROVIDERS, move || {
        let new = || view! { <LinkButton href="/admin/providers/new" label=text::NEW_PROVIDER /> };
        let list = if providers.is_empty() {
            view! {
                <EmptyState
                    sign=Sign::Provider
                    title=text::NO_PROVIDERS
                    why=text::NO_PROVIDERS_WHY
                >
                    {new()}
                </EmptyState>
            }
            .into_any()
        } else {
            table(providers).into_any()
        };
        view! {
            <PageHead title=text::PROVIDERS lead=text::PROVIDERS_LEAD>{new()}</PageHead>
            {list}
        }
    }))
}

fn table(providers: Vec<Provider>) -> impl IntoView {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::STATE, CellKind::Text),
        (text::BASE_URL, CellKind::Text),
        (text::DIALECT, CellKind::Text),
        (text::CREDENTIAL, CellKind::Text),
        (text::DEPLOYMENTS, CellKind::Number),
    ];
    let rows = providers
        .into_iter()
        .map(|provider| {
            let href = format!("/admin/providers/{}", provider.id);
            let deployments = u64::from(provider.deployment_count);
            vec![
                Cell::head(view! { <a href=href>{provider.name}</a> }),
                Cell::text(view! { <StateBadge state=Disabled(provider.disabled) /> }),
                Cell::text(view! { <code>{provider.base_url}</code> }),
                Cell::text(text::dialect(provider.dialect)),
                Cell::text(credential(provider.has_credential)),
                Cell::number(view! { <Count value=deployments /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::PROVIDERS columns=columns rows=rows /> }
}

/// Whether there is one; never what it is.
pub(super) const fn credential(has: bool) -> &'static str {
    if has { text::CREDENTIAL_SET } else { text::CREDENTIAL_NONE }
}

fn vendors() -> impl IntoView {
    let link = |vendor: &Vendor| {
        let href = format!("/admin/providers/new?vendor={}", vendor.slug);
        view! { <li><a href=href>{vendor.name}</a></li> }
    };
    VENDORS.iter().map(link).collect_view()
}

/// # Errors
/// None of its own.
pub async fn new(visit: OperatorVisit) -> Response {
    let form = visit.form("/admin/providers");
    let refused = form.is_refused();
    let vendor = visit.query("vendor").and_then(|slug| Vendor::find(&slug));
    visit.page(Place::AdminProviders, text::NEW_PROVIDER, move || {
        view! {
            <div class="medium">
                <PageHead
                    title=text::NEW_PROVIDER
                    crumbs=vec![Crumb::new(text::PROVIDERS, "/admin/providers")]
                />
                <Details summary=text::START_FROM open=vendor.is_none() && !refused>
                    <ul class="vendors">{vendors()}</ul>
                </Details>
                <Form state=form>{fields(None, vendor, refused)} <Button label=text::CREATE /></Form>
            </div>
        }
    })
}
