use super::*;
use contract::snapshot::{Pick, Shadow, SplitPart, Tier};
use uuid::Uuid;

const fn deployment(n: u128) -> DeploymentId {
    DeploymentId(Uuid::from_u128(n))
}

const fn model(n: u128) -> ModelId {
    ModelId(Uuid::from_u128(n))
}

/// Deployments 11 and 12 of model 1, 12 without weight, and 21 of model 2.
fn known() -> Known {
    let place = |n: u128, region: &str, weight| KnownPlace {
        id: deployment(n),
        model_id: model(n / 10),
        region: region.into(),
        weight,
    };
    Known {
        model: Some(model(1)),
        places: vec![place(11, "eu", 100), place(12, "us", 0), place(21, "us", 50)],
        models: vec![model(1), model(2), model(3), model(4)],
        fallbacks: HashMap::new(),
    }
}

fn rule(name: &str, when: Option<&str>) -> RouteRule {
    RouteRule {
        name: name.into(),
        when: when.map(str::to_owned),
        among: Vec::new(),
        pick: Pick::Weighted,
        sticky: None,
        split: None,
        hedge_ms: None,
        tiers: Vec::new(),
        shadow: None,
    }
}

fn policy(rules: Vec<RouteRule>) -> RoutePolicy {
    RoutePolicy { rules, ..RoutePolicy::default() }
}

fn faults(policy: &RoutePolicy) -> Vec<String> {
    check(policy, &known()).iter().map(ToString::to_string).collect()
}

fn places(policy: &RoutePolicy, known: &Known) -> Vec<String> {
    check(policy, known).into_iter().map(|fault| fault.at).collect()
}

#[test]
fn a_policy_that_some_call_would_not_match_or_some_rule_never_is_refused() {
    assert_eq!(
        faults(&policy(vec![])),
        ["/rules: a route has at least one rule, which matches every call"]
    );
    let told = |first: Option<&str>, last: Option<&str>| {
        faults(&policy(vec![rule("vip", first), rule("all", last)]))
    };
    assert_eq!(told(Some("org == 'acme'"), None), [""; 0]);
    let swapped = told(None, Some("org == 'acme'"));
    assert!(swapped[0].starts_with("/rules/0/when: a rule without a condition matches every"));
    assert!(swapped[1].starts_with("/rules/1/when: the last rule has no condition"));
    assert_eq!(
        told(Some("tools > 5 && tools < 3"), None),
        ["/rules/0/when: no call ever meets this condition"]
    );
    assert!(told(Some("1 < 2"), None)[0].starts_with("/rules/0/when: every call meets"));
    let same = policy(vec![
        rule("one", Some("tools > 5")),
        rule("two", Some("tools  >  5")),
        rule("all", None),
    ]);
    assert!(faults(&same)[0].starts_with("/rules/1/when: the rule `one` before it"));
}

#[test]
fn a_condition_that_does_not_read_is_told_with_its_line_and_column() {
    let wrong = policy(vec![rule("a", Some("tools > 1 &&\n  org > 3")), rule("all", None)]);
    let told = faults(&wrong);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("/rules/0/when: line 2, column "), "{told:?}");
}

#[test]
fn a_region_nobody_has_or_that_leaves_a_rule_nothing_is_refused() {
    let mut one = policy(vec![rule("all", None)]);
    one.regions = vec!["mars".into()];
    let told = faults(&one);
    assert_eq!(told[0], "/regions/0: no deployment is in this region; there are eu, us");
    assert!(told[1].starts_with("/rules/0/among: none of these deployments that take calls"));
    // The only one in the region takes no calls.
    one.regions = vec!["us".into()];
    assert_eq!(places(&one, &known()), ["/rules/0/among"]);
    one.regions = vec!["eu".into(), "us".into(), "eu".into()];
    assert_eq!(places(&one, &known()), ["/regions/2"]);
    one.regions = vec!["eu".into()];
    one.rules[0].among = vec![deployment(21), deployment(11)];
    assert_eq!(places(&one, &known()), ["/rules/0/among/0"]);
    one.rules[0].among = Vec::new();
    let part = SplitPart { name: "us".into(), basis_points: 500, deployment_id: deployment(21) };
    one.rules[0].split = Some(Split { name: "canary".into(), parts: vec![part] });
    assert_eq!(places(&one, &known()), ["/rules/0/split/parts/0/deployment_id"]);
}

#[test]
fn a_rule_whose_deployments_have_no_weight_is_refused() {
    let mut one = policy(vec![rule("all", None)]);
    one.rules[0].among = vec![deployment(12)];
    assert!(faults(&one)[0].starts_with("/rules/0/among: none of these deployments takes"));
}

#[test]
fn fallbacks_that_come_back_by_other_routes_are_refused_with_their_way() {
    let to = |n| Fallbacks { general: vec![model(n)], ..Fallbacks::default() };
    let mut known = known();
    known.fallbacks = HashMap::from([(model(2), to(3)), (model(3), to(1)), (model(4), to(4))]);
    let mut one = policy(vec![rule("all", None)]);
    one.fallbacks.general = vec![model(4), model(2)];
    let told = check(&one, &known);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].at, "/fallbacks/general/1");
    let way = format!("over {}, {}", model(2), model(3));
    assert!(told[0].detail.ends_with(&way), "{}", told[0].detail);
    // Each list is a way of its own.
    one.fallbacks = Fallbacks { context: vec![model(2)], ..Fallbacks::default() };
    assert_eq!(places(&one, &known), [""; 0]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let mut wrong = rule("", Some("org == 3"));
    wrong.among = vec![deployment(12), deployment(99), deployment(12)];
    wrong.hedge_ms = Some(1);
    wrong.sticky = Some(Sticky::Header("x-api-key".into()));
    let part = |name: &str, points, n| SplitPart {
        name: name.into(),
        basis_points: points,
        deployment_id: deployment(n),
    };
    wrong.split = Some(Split {
        name: "test".into(),
        parts: vec![part("a", 9_000, 11), part("a", 2_000, 11), part("b", 0, 98)],
    });
    let mut policy = policy(vec![wrong, rule("all", None)]);
    policy.fallbacks.general = vec![model(1), model(7), model(2), model(2)];
    policy.bounds.attempts_max = Some(0);
    assert_eq!(
        places(&policy, &known()),
        [
            "/rules/0/name",
            "/rules/0/when",
            "/rules/0/among/1",
            "/rules/0/among/2",
            "/rules/0/among",
            "/rules/0/split/parts/2/deployment_id",
            "/rules/0/split/parts/2/basis_points",
            "/rules/0/split/parts",
            "/rules/0/split/parts",
            "/rules/0/sticky/name",
            "/rules/0/hedge_ms",
            "/fallbacks/general/0",
            "/fallbacks/general/1",
            "/fallbacks/general/3",
            "/bounds/attempts_max",
        ]
    );
}

#[test]
fn tiers_and_shadows_that_make_no_sense_are_told_with_their_place() {
    let tier = |complexity_max, n: &[u128]| Tier {
        complexity_max,
        among: n.iter().map(|n| deployment(*n)).collect(),
    };
    let mut good = rule("all", None);
    good.tiers = vec![tier(30, &[11]), tier(100, &[21, 12])];
    good.shadow = Some(Shadow { deployment_id: deployment(12), basis_points: 1 });
    assert_eq!(places(&policy(vec![good.clone()]), &known()), [""; 0]);
    let mut wrong = good;
    wrong.among = vec![deployment(11)];
    wrong.tiers = vec![tier(100, &[11]), tier(30, &[11, 99]), tier(40, &[]), tier(90, &[12])];
    wrong.shadow = Some(Shadow { deployment_id: deployment(11), basis_points: 10_001 });
    assert_eq!(
        places(&policy(vec![wrong]), &known()),
        [
            "/rules/0/among",
            "/rules/0/tiers/0/complexity_max",
            "/rules/0/tiers/1/complexity_max",
            "/rules/0/tiers/1/among/0",
            "/rules/0/tiers/1/among/1",
            "/rules/0/tiers/2/among",
            "/rules/0/tiers/3/complexity_max",
            "/rules/0/tiers/3/among",
            "/rules/0/shadow/deployment_id",
            "/rules/0/shadow/basis_points",
        ]
    );
}
