//! Pages of routes, the same for the platform's and an org's own: each loads, and then draws what
//! it loaded.

pub mod explain;
pub mod list;
pub mod new;
mod outcomes;
pub mod route;

use crate::fault::Fault;
use crate::visit::{OrgVisit, Visit};
use contract::api::routes::RoutePlace;
use contract::role::Action;
use contract::snapshot::RoutePolicy;
use leptos::prelude::*;
use portal_app::components::{Cell, CellKind, CodeBlock, DataTable, Details};
use portal_app::text::routes as text;

/// Whose routes.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The org's slug; absent: the platform.
    pub slug: Option<String>,
    /// Where its routes are.
    pub base: String,
    pub may_edit: bool,
}

impl Owner {
    #[must_use]
    pub fn platform() -> Self {
        Self { slug: None, base: "/admin/routes".to_owned(), may_edit: true }
    }

    #[must_use]
    pub fn of(visit: &OrgVisit) -> Self {
        Self {
            slug: Some(visit.org.slug.clone()),
            base: visit.at("/routes"),
            may_edit: visit.may(Action::EditRoute),
        }
    }

    #[must_use]
    pub fn slug(&self) -> Option<&str> {
        self.slug.as_deref()
    }

    /// What a route may name.
    async fn places(&self, visit: &Visit) -> Result<Vec<RoutePlace>, Fault> {
        if let Some(org) = &self.slug {
            return visit.backend().route_places(org).await;
        }
        let models = visit.backend().all_models().await?;
        let places = models.into_iter().flat_map(|model| {
            let name = model.name;
            model.deployments.into_iter().map(move |one| RoutePlace {
                deployment_id: one.id,
                model_id: one.model_id,
                model_name: name.clone(),
                region: one.region,
                weight: if one.disabled { 0 } else { one.weight },
            })
        });
        Ok(places.collect())
    }
}

/// A policy as it is edited.
fn written(policy: &RoutePolicy) -> String {
    serde_json::to_string_pretty(policy).unwrap_or_default()
}

/// Beside the editor: what may be named, and what may be said.
fn help(places: Vec<RoutePlace>) -> impl IntoView {
    let columns = vec![
        (text::DEPLOYMENT, CellKind::Head),
        (text::MODEL, CellKind::Text),
        (text::REGION, CellKind::Text),
        (text::WEIGHT, CellKind::Number),
    ];
    let table = if places.is_empty() {
        view! { <p class="absent">{text::NO_PLACES}</p> }.into_any()
    } else {
        let rows = places
            .into_iter()
            .map(|place| {
                vec![
                    Cell::head(view! { <code>{place.deployment_id.to_string()}</code> }),
                    Cell::text(view! { <code>{place.model_name}</code> }),
                    Cell::text(place.region),
                    Cell::number(place.weight.to_string()),
                ]
            })
            .collect();
        view! { <DataTable caption=text::PLACES columns=columns rows=rows /> }.into_any()
    };
    view! {
        <Details summary=text::PLACES>{table}</Details>
        <Details summary=text::HELP>
            <CodeBlock code=text::SAMPLE what=text::SAMPLE_WHAT />
            <p>{text::PICKS}</p>
            <p>{text::NAMES}</p>
        </Details>
    }
}
