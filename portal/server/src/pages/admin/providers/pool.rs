//! The fields of a pool, in the form of a provider.

use contract::snapshot::{Discovery, PoolPolicy, PoolQueue, ReplicaServer};
use leptos::prelude::*;
use portal_app::components::{Checkbox, Choice, Details, Field, Select, TextArea};
use portal_app::text::pools as text;

/// How replicas are found, and what is asked for in each way.
#[derive(Default)]
struct Found {
    by: &'static str,
    addresses: String,
    name: String,
    port: String,
    namespace: String,
    service: String,
    service_port: String,
    every_s: Option<u32>,
}

impl Found {
    fn of(found: &Discovery) -> Self {
        match found.clone() {
            Discovery::List { addresses } => {
                Self { by: "list", addresses: addresses.join("\n"), ..Self::default() }
            }
            Discovery::Dns { name, port, every_s } => Self {
                by: "dns",
                name,
                port: port.to_string(),
                every_s: Some(every_s),
                ..Self::default()
            },
            Discovery::Kubernetes { namespace, service, port, every_s } => Self {
                by: "kubernetes",
                namespace,
                service,
                service_port: port,
                every_s: Some(every_s),
                ..Self::default()
            },
        }
    }
}

/// A line of text or a number.
fn line(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: impl ToString,
) -> impl IntoView {
    let value = value.to_string();
    view! { <Field name=name label=label hint=hint value=value autocomplete="off" optional=true /> }
}

/// Folded away where there is no pool, unless the form comes back.
pub fn fields(pool: Option<&PoolPolicy>, refused: bool) -> impl IntoView + use<> {
    let shown = pool.map(|pool| Found::of(&pool.found)).unwrap_or_default();
    let by = vec![
        Choice::new("", text::NO_POOL),
        Choice::new("list", text::BY_LIST),
        Choice::new("dns", text::BY_DNS),
        Choice::new("kubernetes", text::BY_KUBERNETES),
    ];
    let open = refused || pool.is_some();
    let (chosen, busy, room) = (shown.by, busy(pool), room(pool));
    let found = found(shown);
    view! {
        <Details summary=text::SUMMARY open=open>
            <p class="hint">{text::LEAD}</p>
            <Select name="pool_by" label=text::BY value=chosen choices=by />
            {found}
            {busy}
            {room}
        </Details>
    }
}

fn found(shown: Found) -> impl IntoView {
    let every_s = shown.every_s.unwrap_or(10);
    view! {
        <fieldset class="boxes">
            <legend>{text::IF_LIST}</legend>
            <TextArea
                name="pool_addresses"
                label=text::ADDRESSES
                hint=text::ADDRESSES_HINT
                value=shown.addresses
                rows=4
                optional=true
                code=true
            />
        </fieldset>
        <fieldset class="boxes">
            <legend>{text::IF_DNS}</legend>
            {line("pool_name", text::DNS_NAME, text::DNS_NAME_HINT, shown.name)}
            {line("pool_port", text::DNS_PORT, "", shown.port)}
        </fieldset>
        <fieldset class="boxes">
            <legend>{text::IF_KUBERNETES}</legend>
            {line("pool_namespace", text::NAMESPACE, "", shown.namespace)}
            {line("pool_service", text::SERVICE, "", shown.service)}
            {line("pool_service_port", text::SERVICE_PORT, text::SERVICE_PORT_HINT, shown.service_port)}
        </fieldset>
        {line("pool_every_s", text::EVERY, text::EVERY_HINT, every_s)}
    }
}

fn busy(pool: Option<&PoolPolicy>) -> impl IntoView + use<> {
    let chosen = pool.map_or(ReplicaServer::Vllm, |pool| pool.server);
    let servers = ReplicaServer::ALL.iter();
    let servers = servers.map(|one| Choice::new(one.as_str(), text::server(*one))).collect();
    let path = pool.map_or_else(|| "/metrics".to_owned(), |pool| pool.metrics_path.clone());
    let port = pool.and_then(|pool| pool.metrics_port).map(|port| port.to_string());
    let scrape_ms = pool.map_or(100, |pool| pool.scrape_ms);
    let affinity = pool.is_none_or(|pool| pool.affinity);
    view! {
        <fieldset class="boxes">
            <legend>{text::METRICS}</legend>
            <Select
                name="pool_server"
                label=text::SERVER
                hint=text::SERVER_HINT
                value=chosen.as_str()
                choices=servers
            />
            {line("pool_metrics_path", text::METRICS_PATH, "", path)}
            {line("pool_metrics_port", text::METRICS_PORT, text::METRICS_PORT_HINT, port.unwrap_or_default())}
            {line("pool_scrape_ms", text::SCRAPE, text::SCRAPE_HINT, scrape_ms)}
            <Checkbox name="pool_affinity" label=text::AFFINITY checked=affinity />
        </fieldset>
    }
}

fn room(pool: Option<&PoolPolicy>) -> impl IntoView + use<> {
    let most = pool.and_then(|pool| pool.concurrency_max).map(|most| most.to_string());
    let queue = pool.map_or_else(PoolQueue::default, |pool| pool.queue);
    let gpus = pool.map_or(1, |pool| pool.gpus);
    view! {
        <fieldset class="boxes">
            <legend>{text::ROOM}</legend>
            {line("pool_concurrency_max", text::CONCURRENCY, text::CONCURRENCY_HINT, most.unwrap_or_default())}
            {line("pool_calls_max", text::CALLS_MAX, text::CALLS_MAX_HINT, queue.calls_max)}
            {line("pool_wait_ms_max", text::WAIT, text::WAIT_HINT, queue.wait_ms_max)}
            {line("pool_gpus", text::GPUS, text::GPUS_HINT, gpus)}
        </fieldset>
    }
}
