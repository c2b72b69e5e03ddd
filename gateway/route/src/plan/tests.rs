use super::*;
use crate::explain::{Described, explain};
use contract::api::routes::RouteCall;
use contract::snapshot::{RoutePolicy, Shadow, Split, SplitPart, Tier};
use uuid::Uuid;

const OWN: ModelId = ModelId(Uuid::from_u128(1));
const OTHER: ModelId = ModelId(Uuid::from_u128(2));

const fn id(n: u128) -> DeploymentId {
    DeploymentId(Uuid::from_u128(n))
}

const fn candidate(n: u128) -> Candidate<'static> {
    Candidate {
        id: id(n),
        model_id: OWN,
        region: "eu",
        weight: 100,
        is_open: true,
        is_within: true,
        serves: true,
        runs: Runs::Asked,
        context_tokens_max: 0,
        lacks: Features::NONE,
        cost_nanos: 0,
    }
}

fn rule(when: Option<&str>, pick: Pick, among: &[u128]) -> RouteRule {
    let [rule] = RoutePolicy::default().rules.try_into().unwrap();
    RouteRule {
        name: when.unwrap_or("all").to_owned(),
        when: when.map(str::to_owned),
        among: among.iter().map(|n| id(*n)).collect(),
        pick,
        ..rule
    }
}

fn policy(rules: Vec<RouteRule>) -> Policy {
    Policy::compile(RoutePolicy { rules, ..RoutePolicy::default() }, Some(OWN)).unwrap()
}

fn described(call: &RouteCall) -> Described<'_> {
    Described { call, org: "acme", model: "large", operation: "chat", hour: 12 }
}

fn go(policy: &Policy, call: &RouteCall, candidates: &[Candidate<'_>]) -> Result<Planned, Nowhere> {
    explain(policy, &described(call), candidates, &|_| Seen::WELL).planned
}

/// wyrand, as the gateway's own.
fn seeded(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0xa076_1d64_78bd_642f);
        let wide = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        (wide >> 64) as u64 ^ wide as u64
    }
}

#[test]
fn the_first_rule_that_matches_decides_and_the_order_is_the_lists() {
    let policy = policy(vec![
        rule(Some("tools > 0"), Pick::Ordered, &[3, 1]),
        rule(None, Pick::Ordered, &[]),
    ]);
    let all = [candidate(1), candidate(2), Candidate { model_id: OTHER, ..candidate(3) }];
    let tools = RouteCall { tools: 2, ..RouteCall::default() };
    assert_eq!(
        go(&policy, &tools, &all),
        Ok(Planned { rule: 0, part: None, order: vec![2, 0], shadow: None })
    );
    // A rule that names nobody has the model's own.
    let plain = RouteCall::default();
    assert_eq!(
        go(&policy, &plain, &all),
        Ok(Planned { rule: 1, part: None, order: vec![0, 1], shadow: None })
    );
}

#[test]
fn what_may_not_answer_is_left_out_whatever_the_way_of_picking() {
    let all = [
        candidate(0),
        Candidate { is_open: false, ..candidate(1) },
        Candidate { serves: false, ..candidate(2) },
        Candidate { region: "us", ..candidate(3) },
        Candidate { context_tokens_max: 1_000, ..candidate(4) },
        Candidate { lacks: Features::of(&[Feature::Tools]), ..candidate(5) },
        Candidate { weight: 0, ..candidate(6) },
        Candidate { model_id: OTHER, ..candidate(7) },
    ];
    let call =
        RouteCall { input_tokens: 900, output_tokens_max: 101, tools: 1, ..RouteCall::default() };
    for pick in [Pick::Ordered, Pick::Weighted, Pick::LeastBusy, Pick::Latency, Pick::Cheapest] {
        let mut source = RoutePolicy { regions: vec!["eu".into()], ..RoutePolicy::default() };
        source.rules[0].pick = pick;
        let policy = Policy::compile(source, Some(OWN)).unwrap();
        let told = explain(&policy, &described(&call), &all, &|_| Seen::WELL);
        assert_eq!(told.planned.unwrap().order, [0], "{pick:?}");
        assert_eq!(
            told.skipped,
            [
                None,
                Some(Skip::Closed),
                Some(Skip::Operation),
                Some(Skip::Region),
                Some(Skip::Context),
                Some(Skip::Feature),
                Some(Skip::Weight),
                Some(Skip::NotNamed),
            ]
        );
        assert_eq!(told.firsts, [1_000, 0, 0, 0, 0, 0, 0, 0]);
    }
    let smaller = RouteCall { output_tokens_max: 100, ..RouteCall::default() };
    let default = policy(vec![rule(None, Pick::Ordered, &[])]);
    assert_eq!(go(&default, &smaller, &all).unwrap().order, [0, 3, 4, 5]);
}

#[test]
fn another_version_answers_only_where_a_rule_names_it_and_never_for_a_call_that_names_one() {
    let another = Candidate { runs: Runs::Another, ..candidate(1) };
    let wrong = Candidate { runs: Runs::Wrong, ..candidate(2) };
    let all = [candidate(0), another, wrong];
    let call = RouteCall::default();
    let plain = policy(vec![rule(None, Pick::Ordered, &[])]);
    assert_eq!(go(&plain, &call, &all).unwrap().order, [0]);
    let told = explain(&plain, &described(&call), &all, &|_| Seen::WELL);
    assert_eq!(told.skipped, [None, Some(Skip::Version), Some(Skip::Version)]);
    let naming = policy(vec![rule(None, Pick::Ordered, &[2, 1, 0])]);
    assert_eq!(go(&naming, &call, &all).unwrap().order, [1, 0]);
    assert_eq!(go(&plain, &call, &[another]), Err(Nowhere::Left(Skip::Version)));
}

#[test]
fn a_call_that_residency_leaves_nothing_is_told_so_and_never_goes_elsewhere() {
    let source = RoutePolicy { regions: vec!["eu".into()], ..RoutePolicy::default() };
    let policy = Policy::compile(source, Some(OWN)).unwrap();
    let us = Candidate { region: "us", ..candidate(1) };
    let closed = Candidate { is_open: false, ..candidate(2) };
    let go = |all: &[Candidate<'_>]| go(&policy, &RouteCall::default(), all);
    assert_eq!(go(&[us, closed]), Err(Nowhere::Left(Skip::Region)));
    assert_eq!(go(&[closed]), Err(Nowhere::Left(Skip::Closed)));
    assert_eq!(go(&[]), Err(Nowhere::NoPlace));
}

#[test]
fn a_call_that_seems_too_long_for_every_place_goes_to_one_that_knows() {
    let policy = policy(vec![rule(None, Pick::Ordered, &[])]);
    let small = Candidate { context_tokens_max: 1_000, ..candidate(1) };
    let blind = Candidate { lacks: Features::of(&[Feature::Vision]), ..candidate(2) };
    let call = RouteCall { input_tokens: 2_000, images: 1, ..RouteCall::default() };
    let told = explain(&policy, &described(&call), &[small], &|_| Seen::WELL);
    assert_eq!((told.planned.unwrap().order, told.skipped), (vec![0], vec![None]));
    // What a place lacks is known.
    assert_eq!(go(&policy, &call, &[small, blind]).unwrap().order, [0]);
    assert_eq!(go(&policy, &call, &[blind]), Err(Nowhere::Left(Skip::Feature)));
}

/// A test of 5 percent on a place without weight of its own.
fn canary(sticky: Option<Sticky>) -> Policy {
    let part = SplitPart { name: "new".into(), basis_points: 500, deployment_id: id(9) };
    let split = Some(Split { name: "canary".into(), parts: vec![part] });
    policy(vec![RouteRule { split, sticky, ..rule(None, Pick::Weighted, &[]) }])
}

#[test]
fn a_canary_gets_its_share_of_20_000_calls_and_one_key_is_always_on_its_side() {
    let all = [candidate(1), candidate(2), Candidate { weight: 0, ..candidate(9) }];
    let (by_chance, by_user) = (canary(None), canary(Some(Sticky::User)));
    let mut chance = seeded(5);
    let mut first = |policy: &Policy, user: u32| {
        let call = RouteCall { user: format!("user-{user}"), ..RouteCall::default() };
        let call = described(&call);
        let planned =
            plan(policy, &call, call.needs(), &all, &|_| Seen::WELL, &mut chance, &mut ()).unwrap();
        assert_eq!(planned.part.is_some(), planned.order[0] == 2);
        // Whoever is on the canary can still be served by the others.
        assert_eq!(planned.order.len(), if planned.part.is_some() { 3 } else { 2 });
        planned.part.is_some()
    };
    // 99.9 percent of such counts lie within 3.29 deviations.
    let within = 3.29 * (20_000.0 * 0.05 * 0.95_f64).sqrt();
    for policy in [&by_chance, &by_user] {
        let hits = (0..20_000).filter(|user| first(policy, *user)).count();
        assert!((hits as f64 - 1_000.0).abs() < within, "{hits}");
    }
    for user in 0..500 {
        let side = first(&by_user, user);
        assert!((0..5).all(|_| first(&by_user, user) == side), "{user}");
    }
}

#[test]
fn two_arms_of_half_the_calls_each_get_half_and_a_dead_arm_leaves_its_calls_to_the_rest() {
    let part =
        |name: &str, n| SplitPart { name: name.into(), basis_points: 5_000, deployment_id: id(n) };
    let split = Some(Split { name: "ab".into(), parts: vec![part("a", 1), part("b", 2)] });
    let policy = policy(vec![RouteRule { split, ..rule(None, Pick::Weighted, &[]) }]);
    let call = RouteCall::default();
    let call = described(&call);
    let mut chance = seeded(11);
    let mut firsts = |all: &[Candidate<'_>]| {
        let mut firsts = [0_u32; 2];
        for _ in 0..20_000 {
            let planned =
                plan(&policy, &call, call.needs(), all, &|_| Seen::WELL, &mut chance, &mut ())
                    .unwrap();
            firsts[planned.order[0]] += 1;
        }
        firsts
    };
    let [a, b] = firsts(&[candidate(1), candidate(2)]);
    assert!(a + b == 20_000 && f64::from(a.abs_diff(10_000)) < 3.29 * 5_000_f64.sqrt(), "{a} {b}");
    let dead = Candidate { is_open: false, ..candidate(1) };
    assert_eq!(firsts(&[dead, candidate(2)]), [0, 20_000]);
}

#[test]
fn a_sticky_user_stays_at_one_place_and_a_call_without_a_user_is_spread() {
    let policy =
        policy(vec![RouteRule { sticky: Some(Sticky::User), ..rule(None, Pick::Weighted, &[]) }]);
    let all: Vec<_> = (1..=5).map(candidate).collect();
    let firsts = |user: &str| {
        let call = RouteCall { user: user.into(), ..RouteCall::default() };
        explain(&policy, &described(&call), &all, &|_| Seen::WELL).firsts
    };
    let ada = firsts("ada");
    assert!(ada.contains(&1_000) && ada == firsts("ada"), "{ada:?}");
    assert!(firsts("").iter().all(|n| (120..=280).contains(n)));
}

#[test]
fn health_shifts_calls_and_never_takes_the_last_places_away() {
    let policy = policy(vec![rule(None, Pick::Ordered, &[])]);
    let all = [candidate(1), candidate(2)];
    let call = RouteCall::default();
    let seen = |fitness: [Fitness; 2]| move |at: usize| Seen { fitness: fitness[at], ..Seen::WELL };
    let order = |fitness: [Fitness; 2]| {
        explain(&policy, &described(&call), &all, &seen(fitness)).planned.unwrap().order
    };
    let well = Fitness::Share(100);
    assert_eq!(order([well, well]), [0, 1]);
    assert_eq!(order([Fitness::Unfit, well]), [1]);
    assert_eq!(order([Fitness::Unfit, Fitness::Unfit]), [0, 1]);
    // One call probes, and has the other still to go to.
    assert_eq!(order([well, Fitness::Probe]), [1, 0]);
    assert_eq!(order([Fitness::Unfit, Fitness::Probe]), [1, 0]);
    // A canary that is unfit is the last resort of its calls.
    let part = SplitPart { name: "a".into(), basis_points: 10_000, deployment_id: id(1) };
    let split = Some(Split { name: "ab".into(), parts: vec![part] });
    let split =
        crate::plan::tests::policy(vec![RouteRule { split, ..rule(None, Pick::Ordered, &[]) }]);
    let planned = |fitness: [Fitness; 2]| {
        explain(&split, &described(&call), &all, &seen(fitness)).planned.unwrap()
    };
    let first = Planned { rule: 0, part: Some(0), order: vec![0, 1], shadow: None };
    let last = Planned { rule: 0, part: None, order: vec![1, 0], shadow: None };
    assert_eq!(planned([well, well]), first);
    assert_eq!(planned([Fitness::Probe, well]), first);
    assert_eq!(planned([Fitness::Unfit, well]), last);
    assert_eq!(planned([Fitness::Unfit, Fitness::Unfit]), last);
}

#[test]
fn a_call_goes_to_the_tier_for_its_complexity_then_to_those_above_and_at_last_below() {
    let tier = |complexity_max, n| Tier { complexity_max, among: vec![id(n)] };
    let tiers = vec![tier(20, 1), tier(60, 2), tier(100, 3)];
    let policy = policy(vec![RouteRule { tiers, ..rule(None, Pick::Weighted, &[]) }]);
    let all: Vec<_> = (1..=3).map(candidate).collect();
    let order = |input_tokens: u32| {
        let call = RouteCall { input_tokens, ..RouteCall::default() };
        go(&policy, &call, &all).unwrap().order
    };
    assert_eq!(order(10), [0, 1, 2]);
    assert_eq!(order(1_000), [1, 2, 0]);
    let hard = RouteCall { input_tokens: 40_000, tools: 9, ..RouteCall::default() };
    assert_eq!(go(&policy, &hard, &all).unwrap().order, [2, 1, 0]);
    // A place that is due to be probed is no reason to ask the wrong tier.
    let seen = |at: usize| match at {
        2 => Seen { fitness: Fitness::Probe, ..Seen::WELL },
        _ => Seen::WELL,
    };
    let told = explain(&policy, &described(&RouteCall::default()), &all, &seen);
    assert_eq!(told.planned.unwrap().order[0], 0);
}

#[test]
fn a_shadow_gets_its_share_of_20_000_calls_and_is_nowhere_that_the_call_may_not_be() {
    let shadow = Some(Shadow { deployment_id: id(9), basis_points: 500 });
    let policy = policy(vec![RouteRule { shadow, ..rule(None, Pick::Weighted, &[1]) }]);
    let place = Candidate { weight: 0, model_id: OTHER, ..candidate(9) };
    let call = RouteCall { tools: 1, ..RouteCall::default() };
    let call = described(&call);
    let mut chance = seeded(3);
    let mut copies = |place: Candidate<'_>| {
        let all = [candidate(1), place];
        let mut plan = || {
            plan(&policy, &call, call.needs(), &all, &|_| Seen::WELL, &mut chance, &mut ()).unwrap()
        };
        let planned: Vec<_> = (0..20_000).map(|_| plan()).collect();
        assert!(planned.iter().all(|one| one.order == [0]), "it answers nobody");
        planned.iter().filter(|one| one.shadow == Some(1)).count()
    };
    let within = 3.29 * (20_000.0 * 0.05 * 0.95_f64).sqrt();
    let hits = copies(place);
    assert!((hits as f64 - 1_000.0).abs() < within, "{hits}");
    for barred in [
        Candidate { is_within: false, ..place },
        Candidate { is_open: false, ..place },
        Candidate { serves: false, ..place },
        Candidate { lacks: Features::of(&[Feature::Tools]), ..place },
    ] {
        assert_eq!(copies(barred), 0, "{barred:?}");
    }
}
