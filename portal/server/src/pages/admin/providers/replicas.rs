//! How the gateways find the replicas of a pool, and taking one out.

use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::providers::{PoolHealth, Provider, ReplicaHealth, ReplicaMetrics, ReplicaSeen};
use contract::channel::ReplicaState;
use leptos::prelude::*;
use portal_app::components::{
    Badge, Button, Cell, CellKind, Count, Crumb, DataTable, EmptyState, Form, Hidden, LinkButton,
    Look, Meter, Notice, PageHead, Sign, StatTile, State as _, Stats, Tone,
};
use portal_app::form::FormState;
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::{admin, pools as text};

/// # Errors
/// When there is no such provider, or the control API does not answer.
pub async fn page(visit: OperatorVisit, Path(id): Path<String>) -> Result<Response, Fault> {
    let provider = visit.backend().provider(&id).await?;
    let found = match provider.pool {
        Some(_) => Some(visit.backend().replicas(&id).await?),
        None => None,
    };
    let here = format!("/admin/providers/{}", provider.id);
    let form = visit.form(&format!("{here}/drain"));
    let title = format!("{}: {}", provider.name, text::TITLE);
    Ok(visit.page(Place::AdminProviders, &title, move || {
        let crumbs = crumbs(&provider, &here);
        let again = found.as_ref().map(|_| format!("{here}/replicas"));
        let shown = match found {
            Some(found) => live(found, &form).into_any(),
            None => none(here).into_any(),
        };
        let again = again.map(|again| {
            view! { <LinkButton href=again label=text::REFRESH look=Look::Quiet /> }
        });
        view! {
            <PageHead title=text::TITLE lead=text::LIVE_LEAD crumbs=crumbs>{again}</PageHead>
            {shown}
        }
    }))
}

fn crumbs(provider: &Provider, here: &str) -> Vec<Crumb> {
    vec![
        Crumb::new(admin::PROVIDERS, "/admin/providers"),
        Crumb::new(provider.name.clone(), here.to_owned()),
    ]
}

fn none(here: String) -> impl IntoView {
    view! {
        <EmptyState sign=Sign::Provider title=text::NO_POOL_YET why="">
            <LinkButton href=here label=admin::EDIT_PROVIDER />
        </EmptyState>
    }
}

/// As it is now; the link on top looks again.
fn live(found: PoolHealth, form: &FormState) -> impl IntoView + use<> {
    let summary = form.is_refused().then(|| {
        let each = form.errors().iter().map(|(_, error)| error.clone());
        let each = each.chain(form.message().map(str::to_owned));
        let each = each.map(|error| view! { <li>{error}</li> }).collect_view();
        view! { <Notice tone=Tone::Bad><ul>{each}</ul></Notice> }
    });
    view! {
        {summary}
        {figures(&found)}
        {faults(&found)}
        {table(found, form)}
    }
}

fn figures(found: &PoolHealth) -> impl IntoView + use<> {
    let unknown = || text::NOBODY_KNOWS.to_owned();
    let waiting = found.waiting.map_or_else(unknown, format::count);
    let telling = usize::try_from(found.gateways_telling).unwrap_or(usize::MAX);
    let all = found.gateways.map(|all| usize::try_from(all).unwrap_or(usize::MAX));
    let gateways = all.map_or_else(unknown, |all| text::of_all(telling, all));
    let why = match found.gateways {
        None => Some(text::NOT_HEARD),
        Some(0) => Some(text::NO_GATEWAY),
        Some(_) if found.gateways_telling == 0 => Some(text::NOT_TOLD),
        Some(_) => None,
    };
    let why = why.map(|why| view! { <Notice tone=Tone::Wait>{why}</Notice> });
    let at = format::second(found.at);
    view! {
        {why}
        <Stats>
            <StatTile label=text::WAITING value=waiting />
            <StatTile label=text::TELLING value=gateways />
            <StatTile label=text::AS_OF value=at />
        </Stats>
    }
}

fn faults(found: &PoolHealth) -> impl IntoView + use<> {
    let each = found.faults.clone().into_iter().map(|fault| view! { <li>{fault}</li> });
    let each: Vec<_> = each.collect();
    (!each.is_empty()).then(|| {
        view! { <Notice tone=Tone::Bad title=text::FAULTS><ul>{each}</ul></Notice> }
    })
}

fn table(found: PoolHealth, form: &FormState) -> impl IntoView + use<> {
    if found.replicas.is_empty() {
        return view! { <p class="absent">{text::NO_REPLICAS}</p> }.into_any();
    }
    let columns = vec![
        (text::ADDRESS, CellKind::Head),
        (text::STATE, CellKind::Text),
        (text::ACTION, CellKind::Text),
        (text::CALLS, CellKind::Number),
        (text::RUNNING, CellKind::Number),
        (text::QUEUED, CellKind::Number),
        (text::KV, CellKind::Text),
    ];
    let rows = found.replicas.into_iter().enumerate();
    let rows = rows.map(|(place, one)| row(one, form.clone().marked(place))).collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }.into_any()
}

fn row(one: ReplicaHealth, form: FormState) -> Vec<Cell> {
    let unread = || view! { <span class="absent">{text::UNREAD}</span> }.into_any();
    let number = |value: Option<u64>| match value {
        Some(value) => view! { <Count value=value /> }.into_any(),
        None => unread(),
    };
    let metrics = one.metrics.as_ref();
    let running = metrics.map(|read| u64::from(read.running));
    let queued = metrics.map(|read| u64::from(read.queued));
    let kv = metrics.map_or_else(unread, |read| kv(&one.address, read));
    vec![
        Cell::head(view! { <code>{one.address.clone()}</code> }),
        Cell::text(states(&one)),
        Cell::text(action(one.address.clone(), one.draining, form)),
        Cell::number(number(one.in_flight)),
        Cell::number(number(running)),
        Cell::number(number(queued)),
        Cell::text(kv),
    ]
}

fn kv(address: &str, read: &ReplicaMetrics) -> AnyView {
    let words = text::kv(read.kv_permille, &format::duration(read.read_ms_ago));
    let used = u64::from(read.kv_permille);
    view! { <Meter label=text::kv_of(address) bare=true used=used whole=1_000 words=words /> }
        .into_any()
}

/// A chip for each thing that gateways say of it, the worst first, and what is wrong.
fn states(one: &ReplicaHealth) -> impl IntoView + use<> {
    let all = one.seen.len();
    let asked = [
        Some(ReplicaState::Down),
        Some(ReplicaState::Draining),
        Some(ReplicaState::Blind),
        Some(ReplicaState::Ready),
        None,
    ];
    let chip = |state: Option<ReplicaState>| {
        let said = one.seen.iter().filter(|seen| seen.state == state).count();
        let (tone, word) = match state {
            Some(state) => state.read(),
            None => (Tone::Plain, portal_app::text::states::UNKNOWN),
        };
        let shown = said > 0 || (all == 0 && state.is_none());
        shown.then(|| view! { <Badge tone=tone word=text::said_by(word, said, all) /> })
    };
    let chips: Vec<_> = asked.into_iter().filter_map(chip).collect();
    let is_told = one.seen.iter().any(|seen| seen.state == Some(ReplicaState::Draining));
    let (tone, word) = ReplicaState::Draining.read();
    let drains = (one.draining && !is_told).then(|| view! { <Badge tone=tone word=word /> });
    let mut faults: Vec<&String> = one.seen.iter().filter_map(fault).collect();
    faults.sort_unstable();
    faults.dedup();
    let faults: Vec<_> = faults
        .into_iter()
        .map(|fault| view! { <span class="told">{fault.clone()}</span> })
        .collect();
    view! { <span class="chips">{drains} {chips}</span> {faults} }
}

const fn fault(seen: &ReplicaSeen) -> Option<&String> {
    seen.fault.as_ref()
}

fn action(address: String, draining: bool, form: FormState) -> impl IntoView {
    let (label, look) =
        if draining { (text::UNDRAIN, Look::Quiet) } else { (text::DRAIN, Look::Danger) };
    // A form that was refused says so above the table, for all of them.
    let form = FormState::new(&form.action, &form.key, portal_app::form::Refused::default());
    let of = address.clone();
    view! {
        <Form state=form inline=true>
            <Hidden name="address" value=address />
            <Hidden name="draining" value=(!draining).to_string() />
            <Button label=label look=look of=of />
        </Form>
    }
}
