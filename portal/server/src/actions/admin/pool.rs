//! A pool of replicas as a form has it; and taking a replica out.

use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::providers::DrainReplica;
use contract::snapshot::{Discovery, PoolPolicy, PoolQueue};
use portal_app::components::Tone;
use portal_app::text::{admin, pools as text};

/// What the fields say; nothing where no way to find replicas is chosen. `before` is the pool that is
/// edited: what drains in it goes on draining as long as it is one of the replicas.
///
/// # Errors
/// A refusal of the field that cannot be read.
pub fn read(form: &Form, before: Option<&PoolPolicy>) -> Result<Option<PoolPolicy>, Fault> {
    let Some(found) = found(form)? else { return Ok(None) };
    let whole = |name| form.parse(name, text::WHOLE_BAD);
    Ok(Some(PoolPolicy {
        server: choice(form, "pool_server")?,
        metrics_path: form.text("pool_metrics_path"),
        metrics_port: form.parse_optional("pool_metrics_port", text::PORT_BAD)?,
        scrape_ms: whole("pool_scrape_ms")?,
        concurrency_max: form.parse_optional("pool_concurrency_max", text::WHOLE_BAD)?,
        queue: PoolQueue {
            calls_max: whole("pool_calls_max")?,
            wait_ms_max: whole("pool_wait_ms_max")?,
        },
        affinity: form.ticked("pool_affinity"),
        gpus: form.parse("pool_gpus", text::WHOLE_BAD)?,
        draining: before.map(|before| still_draining(before, &found)).unwrap_or_default(),
        found,
    }))
}

fn found(form: &Form) -> Result<Option<Discovery>, Fault> {
    let every_s = || form.parse("pool_every_s", text::WHOLE_BAD);
    Ok(Some(match form.text("pool_by").as_str() {
        "" => return Ok(None),
        "list" => {
            let lines = form.text("pool_addresses");
            let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
            Discovery::List { addresses: lines.map(str::to_owned).collect() }
        }
        "dns" => Discovery::Dns {
            name: form.text("pool_name"),
            port: form.parse("pool_port", text::PORT_BAD)?,
            every_s: every_s()?,
        },
        "kubernetes" => Discovery::Kubernetes {
            namespace: form.text("pool_namespace"),
            service: form.text("pool_service"),
            port: form.text("pool_service_port"),
            every_s: every_s()?,
        },
        _ => return Err(Fault::field("pool_by", admin::UNKNOWN)),
    }))
}

fn still_draining(before: &PoolPolicy, found: &Discovery) -> Vec<String> {
    let is_there = |one: &String| match found {
        Discovery::List { addresses } => {
            addresses.iter().any(|there| there.eq_ignore_ascii_case(one))
        }
        Discovery::Dns { .. } | Discovery::Kubernetes { .. } => true,
    };
    before.draining.iter().filter(|one| is_there(one)).cloned().collect()
}

/// The refusal in the form's own words.
pub fn renamed(mut fault: Fault, form: &Form) -> Fault {
    fault = fault
        .gathering("/pool/found/addresses", "/pool_addresses")
        .gathering("/pool/draining", "/pool_addresses");
    let port = if form.text("pool_by") == "dns" { "pool_port" } else { "pool_service_port" };
    fault = fault.renaming("/pool/found/port", &format!("/{port}"));
    for (object, fields) in [
        ("found", &["name", "namespace", "service", "every_s"][..]),
        ("queue", &["calls_max", "wait_ms_max"]),
    ] {
        for field in fields {
            fault = fault.renaming(&format!("/pool/{object}/{field}"), &format!("/pool_{field}"));
        }
    }
    for field in [
        "server",
        "metrics_path",
        "metrics_port",
        "scrape_ms",
        "concurrency_max",
        "affinity",
        "gpus",
    ] {
        fault = fault.renaming(&format!("/pool/{field}"), &format!("/pool_{field}"));
    }
    fault.gathering("/pool", "/pool_by")
}

/// `POST /admin/providers/{provider}/drain`.
///
/// # Errors
/// What no form can mend.
pub async fn drain(
    visit: OperatorVisit,
    Path(provider): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/providers/{provider}/replicas");
    let body =
        DrainReplica { address: form.text("address"), draining: form.text("draining") == "true" };
    let said = if body.draining { text::DRAINED } else { text::UNDRAINED };
    match visit.backend().drain_replica(&provider, form.key(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, said).answer(),
        // One form of the page for all replicas: what is wrong names the replica itself.
        Err(fault) => visit.retry(&page, &form, fault.renaming("/address", "")),
    }
}
