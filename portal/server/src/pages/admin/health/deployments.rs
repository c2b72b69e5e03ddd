//! How the gateways find the deployments, as a part of the page of health.

use contract::api::health::{DeploymentHealth, DeploymentsHealth};
use leptos::prelude::*;
use portal_app::components::{Cell, CellKind, Count, DataTable, Section, StateBadge};
use portal_app::format;
use portal_app::text::health as text;

pub fn section(found: DeploymentsHealth) -> impl IntoView {
    let none = if found.gateways.is_some() { text::NO_DEPLOYMENTS } else { text::NOT_HEARD };
    let list = if found.deployments.is_empty() {
        view! { <p class="absent">{none}</p> }.into_any()
    } else {
        table(found.deployments).into_any()
    };
    view! {
        <Section title=text::DEPLOYMENTS>
            <p class="hint">{text::DEPLOYMENTS_LEAD}</p>
            {list}
        </Section>
    }
}

fn table(deployments: Vec<DeploymentHealth>) -> impl IntoView {
    let columns = vec![
        (text::MODEL, CellKind::Head),
        (text::PROVIDER, CellKind::Text),
        (text::STATE, CellKind::Text),
        (text::TAKES, CellKind::Text),
        (text::IN_FLIGHT, CellKind::Number),
        (text::FAILED, CellKind::Number),
        (text::OPENED, CellKind::Number),
    ];
    let rows = deployments.into_iter().map(row).collect();
    view! { <DataTable caption=text::DEPLOYMENTS columns=columns rows=rows /> }
}

fn row(one: DeploymentHealth) -> Vec<Cell> {
    let href = format!("/admin/models/{}", one.model_id);
    let region = (!one.region.is_empty()).then(|| view! { <br /> {one.region} });
    let share = (one.share_percent < 100).then(|| {
        view! { <br /> {text::share(one.share_percent)} }
    });
    let first = one.first_content_ms.map(|ms| text::first_content(&format::duration(ms)));
    let whole = one.answer_ms.map(|ms| text::whole(&format::duration(ms)));
    let takes: Vec<_> = [first, whole].into_iter().flatten().collect();
    let all = format::count(one.answered.saturating_add(one.failed));
    vec![
        Cell::head(view! { <a href=href><code>{one.model_name}</code></a> }),
        Cell::text(view! { {one.provider_name} {region} }),
        Cell::text(view! { <StateBadge state=one.breaker /> {share} }),
        Cell::text(takes.join(", ")),
        Cell::number(view! { <Count value=one.in_flight /> }),
        Cell::number(text::failed_of(&format::count(one.failed), &all)),
        Cell::number(view! { <Count value=one.opened /> }),
    ]
}
