//! What planning one call over 200 deployments takes, in nanoseconds: `cargo bench -p route`. A
//! figure is the median of many short runs, so that what else the machine does disturbs few of
//! them. Fails above the bound that the gateway promises.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a program for the developer's terminal"
)]

use contract::api::routes::RouteCall;
use contract::id::{DeploymentId, ModelId};
use contract::snapshot::{Pick, RoutePolicy, RouteRule, Sticky};
use route::explain::Described;
use route::plan::{Candidate, Features, Runs, Seen, plan};
use route::policy::Policy;
use std::hint::black_box;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PLACES: u128 = 200;
const RUNS: usize = 400;
const EACH: u32 = 20;
/// Of one plan.
const BOUND: Duration = Duration::from_micros(20);

/// Everybody is a little busy.
fn busy(at: usize) -> Seen {
    let n = at as u32;
    Seen { in_flight: n % 17, latency_us: u64::from(n % 23) * 1_000, ..Seen::WELL }
}

fn main() {
    let model_id = ModelId(Uuid::from_u128(1));
    let ids: Vec<_> = (0..PLACES).map(|n| DeploymentId(Uuid::from_u128(1_000 + n))).collect();
    let candidates: Vec<_> = ids
        .iter()
        .map(|id| Candidate {
            id: *id,
            model_id,
            region: if id.0.as_u128() % 3 == 0 { "us-east-1" } else { "eu-central-1" },
            weight: 100,
            is_open: true,
            is_within: true,
            serves: true,
            runs: Runs::Asked,
            context_tokens_max: 128_000,
            lacks: Features::NONE,
            cost_nanos: (id.0.as_u128() % 7) as i64,
        })
        .collect();
    let call =
        RouteCall { tools: 1, input_tokens: 900, user: "ada".into(), ..RouteCall::default() };
    let call = Described { call: &call, org: "acme", model: "large", operation: "chat", hour: 9 };
    let all = [Pick::Ordered, Pick::Weighted, Pick::LeastBusy, Pick::Latency, Pick::Cheapest];
    let mut slowest = Duration::ZERO;
    for (pick, sticky, named) in all.into_iter().flat_map(|pick| {
        [(pick, None, false), (pick, Some(Sticky::User), false), (pick, None, true)]
    }) {
        let among = if named { ids.clone() } else { Vec::new() };
        let last = RouteRule { pick, sticky: sticky.clone(), among, ..default_rule() };
        let nine = (0..9).map(|n| RouteRule {
            when: Some(format!(
                "org == \"other-{n}\" && tools > {n} || header[\"x-tier\"] == \"{n}\""
            )),
            ..default_rule()
        });
        let rules = nine.chain([last]).collect();
        let source = RoutePolicy {
            rules,
            regions: vec!["eu-central-1".into(), "us-east-1".into()],
            ..RoutePolicy::default()
        };
        let policy = Policy::compile(source, Some(model_id)).unwrap();
        let mut state = 7_u64;
        let mut runs: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..EACH {
                    let chance = || {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        state
                    };
                    let needs = call.needs();
                    black_box(plan(&policy, &call, needs, &candidates, &busy, chance, &mut ()))
                        .unwrap();
                }
                start.elapsed() / EACH
            })
            .collect();
        runs.sort_unstable();
        let median = runs.get(RUNS / 2).copied().unwrap_or_default();
        slowest = slowest.max(median);
        let how = match (sticky.is_some(), named) {
            (true, _) => "sticky",
            (_, true) => "all named",
            _ => "",
        };
        println!("{pick:?} {how:<10} {:>8} ns", median.as_nanos());
    }
    assert!(slowest < BOUND, "planning over {PLACES} deployments takes {slowest:?}");
}

fn default_rule() -> RouteRule {
    RoutePolicy::default().rules.pop().unwrap()
}
