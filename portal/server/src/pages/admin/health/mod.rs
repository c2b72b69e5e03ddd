//! `GET /admin/health`: whether the money is right, how far behind it is, and how deployments do.

mod deployments;

use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::health::{GatewayHealth, Health};
use leptos::prelude::*;
use portal_app::components::{
    Badge, Cell, CellKind, Count, DataTable, Money, Notice, PageHead, Second, Section, StatTile,
    Stats, Tone,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::health as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let health = visit.backend().health().await?;
    let found = visit.backend().deployments_health().await?;
    Ok(visit.page(Place::AdminHealth, text::TITLE, || {
        let gateways = health.gateways.clone();
        view! {
            <PageHead title=text::TITLE lead=text::LEAD />
            {problems(&health)}
            {figures(&health)}
            <Section title=text::GATEWAYS>{table(gateways)}</Section>
            {deployments::section(found)}
        }
    }))
}

fn problems(health: &Health) -> impl IntoView + use<> {
    if health.problems.is_empty() {
        return view! { <Notice tone=Tone::Good>{text::WELL}</Notice> }.into_any();
    }
    let each = health.problems.clone().into_iter();
    let each = each.map(|problem| view! { <li>{problem}</li> }).collect_view();
    view! { <Notice tone=Tone::Bad><ul>{each}</ul></Notice> }.into_any()
}

fn figures(health: &Health) -> impl IntoView + use<> {
    let known =
        |count: Option<u64>| count.map_or_else(|| text::NOBODY_KNOWS.to_owned(), format::count);
    let lag = health.ledger_lag_ms.map_or_else(|| text::NOBODY_KNOWS.to_owned(), format::duration);
    let (length, pending) = (
        health.stream.as_ref().map(|stream| stream.length),
        health.stream.as_ref().map(|stream| stream.pending),
    );
    let counts = [
        health.rollups_waiting,
        health.config_version,
        health.dead_letters,
        health.unknowns_open,
        health.unknowns,
        health.unbalanced,
        health.leaks,
    ];
    let [rollups, version, letters, open, unknowns, unbalanced, leaks] = counts.map(format::count);
    let (reserved, overrun) =
        (format::money(health.unknowns_reserved_usd), format::money(health.overrun_usd));
    view! {
        <Stats>
            <StatTile label=text::LAG value=lag />
            <StatTile label=text::STREAM value=known(length) />
            <StatTile label=text::PENDING value=known(pending) />
            <StatTile label=text::ROLLUPS value=rollups />
            <StatTile label=text::VERSION value=version />
            <StatTile label=text::LETTERS value=letters href="/admin/dead-letters".to_owned() />
            <StatTile label=text::OPEN value=open />
            <StatTile label=text::UNKNOWNS value=unknowns href="/admin/unknowns".to_owned() />
            <StatTile label=text::RESERVED value=reserved />
            <StatTile label=text::UNBALANCED value=unbalanced />
            <StatTile label=text::LEAKS value=leaks />
            <StatTile label=text::OVERRUN value=overrun href="/admin/orgs".to_owned() />
        </Stats>
    }
}

fn table(gateways: Option<Vec<GatewayHealth>>) -> impl IntoView {
    let gateways = gateways.unwrap_or_default();
    if gateways.is_empty() {
        return view! { <p class="absent">{text::NO_GATEWAYS}</p> }.into_any();
    }
    let columns = vec![
        (text::GATEWAY, CellKind::Head),
        (text::HEARD, CellKind::Text),
        (text::BEHIND, CellKind::Number),
        (text::SPOOL, CellKind::Number),
        (text::RUNNING, CellKind::Number),
        (text::HELD, CellKind::Number),
    ];
    let rows = gateways
        .into_iter()
        .map(|one| {
            let (tone, word) =
                if one.live { (Tone::Good, text::LIVE) } else { (Tone::Bad, text::SILENT) };
            let (running, oldest) = (one.reservations, one.oldest_reservation_ms);
            let oldest = (running > 0).then(|| text::oldest(&format::duration(oldest)));
            vec![
                Cell::head(view! {
                    <code class="id">{one.id.to_string()}</code>
                    <br />
                    <Badge tone=tone word=word />
                }),
                Cell::text(view! { <Second at=one.at /> }),
                Cell::number(view! { <Count value=one.skew /> }),
                Cell::number(view! { <Count value=one.spool_events /> }),
                Cell::number(view! { <Count value=running /> {oldest} }),
                Cell::number(view! { <Money amount=one.held_usd /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::GATEWAYS columns=columns rows=rows /> }.into_any()
}
