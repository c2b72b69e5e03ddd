//! The health of all deployments, in Prometheus' text format.

use super::Pulse;
use crate::snapshot::Snapshot;
use crate::telemetry::{head, line};
use route::breaker::{Fitness, Phase};

type Value = fn(&Pulse, u64) -> f64;

/// Name, kind, help, further labels, value. Kinds of one metric stand together.
const SHOWN: [(&str, &str, &str, &str, Value); 8] = [
    (
        "tollgate_deployment_breaker",
        "gauge",
        "Whether a deployment gets calls: 0 it does, 1 none, 2 one that probes it, 3 more and more.",
        "",
        |pulse, _| match pulse.phase() {
            Phase::Closed => 0.0,
            Phase::Open { .. } => 1.0,
            Phase::Probing { .. } => 2.0,
            Phase::Recovering { .. } => 3.0,
        },
    ),
    (
        "tollgate_deployment_share_percent",
        "gauge",
        "What a deployment gets of its weight.",
        "",
        |pulse, now_ms| match pulse.fitness(now_ms) {
            Fitness::Share(share) => share.into(),
            Fitness::Probe | Fitness::Unfit => 0.0,
        },
    ),
    (
        "tollgate_deployment_breaker_opened_total",
        "counter",
        "How often a deployment was taken out because it failed.",
        "",
        |pulse, _| number(pulse.opened()),
    ),
    (
        "tollgate_deployment_calls_total",
        "counter",
        "Calls at a deployment that told something of it, by how they ended.",
        ",result=\"answered\"",
        |pulse, _| number(pulse.answered()),
    ),
    (
        "tollgate_deployment_calls_total",
        "counter",
        "Calls at a deployment that told something of it, by how they ended.",
        ",result=\"failed\"",
        |pulse, _| number(pulse.failed()),
    ),
    (
        "tollgate_deployment_in_flight",
        "gauge",
        "Calls that a deployment works on.",
        "",
        |pulse, _| pulse.in_flight().into(),
    ),
    (
        "tollgate_deployment_first_content_seconds",
        "gauge",
        "How long a deployment's streams lately took to their first content, at worst; 0: unknown.",
        "",
        |pulse, now_ms| pulse.first_content.expected(now_ms).as_secs_f64(),
    ),
    (
        "tollgate_deployment_answer_seconds",
        "gauge",
        "How long a deployment's answers lately took, at worst; 0: unknown.",
        "",
        |pulse, now_ms| pulse.answer.expected(now_ms).as_secs_f64(),
    ),
];

/// Adds a line for each deployment and metric.
pub fn show(out: &mut String, snapshot: &Snapshot, now_ms: u64) {
    let mut last = "";
    for (name, kind, help, more, value) in SHOWN {
        for model in snapshot.models() {
            for one in &model.deployments {
                head(out, &mut last, name, kind, help);
                let labels = format!(
                    "{{model={:?},provider={:?},deployment=\"{}\"{more}}}",
                    model.record.name, one.provider.record.slug, one.record.id
                );
                line(out, name, &labels, value(&one.pulse, now_ms));
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
const fn number(n: u64) -> f64 {
    n as f64
}
