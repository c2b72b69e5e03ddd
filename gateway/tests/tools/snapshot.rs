//! What a snapshot answers, whatever order changes come in.

use crate::world::{
    CREDENTIAL, PUBLIC_ID, START, arc_master, at, caller, change, id, key, limit, model, price,
    records, removal,
};
use contract::id::{ModelId, PlanId, ProductId};
use contract::snapshot::{Auth, LimitScope, Metric, Record, SubscriptionState, Window};
use gateway::provider::Credential;
use gateway::snapshot::{Snapshot, Unusable};

fn small() -> Snapshot {
    Snapshot::of(arc_master(), records())
}

#[test]
fn a_late_change_never_brings_a_revoked_key_back() {
    let revoked = key(Some(at(START)));
    let after = small().apply([change(5, Record::Key(revoked), at(START))], 5);
    let late = after.apply([change(3, Record::Key(key(None)), at(START))], 5);
    assert!(late.key(PUBLIC_ID).unwrap().revoked_at.is_some());
}

#[test]
fn a_late_change_never_brings_a_removed_key_back() {
    let gone = small().apply([removal(5, &Record::Key(key(None)), at(START))], 5);
    assert!(gone.key(PUBLIC_ID).is_none());
    let late = gone.apply([change(4, Record::Key(key(None)), at(START))], 5);
    assert!(late.key(PUBLIC_ID).is_none());
    let newer = gone.apply([change(6, Record::Key(key(None)), at(START))], 6);
    assert!(newer.key(PUBLIC_ID).is_some());
}

#[test]
fn an_older_snapshot_is_not_touched_by_a_newer_one() {
    let before = small();
    let after = before.apply([removal(2, &Record::Key(key(None)), at(START))], 2);
    assert!(before.key(PUBLIC_ID).is_some());
    assert_eq!((before.version(), after.version()), (1, 2));
}

#[test]
fn the_version_never_goes_back() {
    let later = small().apply([], 9);
    assert_eq!(later.apply([], 4).version(), 9);
}

#[test]
fn a_model_shows_its_deployments_with_a_ready_and_hidden_credential() {
    let snapshot = small();
    let view = snapshot.model("small").unwrap();
    assert_eq!(view.product_ids, [ProductId(id(12))]);
    let upstream = view.deployments[0].provider.upstream.as_ref().unwrap();
    assert_eq!(upstream.base.to_string(), "http://127.0.0.1:7103/v1");
    let Credential::Header(name, value) = &upstream.credential else { panic!("not a header") };
    assert_eq!(name, "authorization");
    assert_eq!(value.to_str().unwrap(), format!("Bearer {CREDENTIAL}"));
    assert!(!format!("{view:?}").contains(CREDENTIAL));
}

#[test]
fn a_provider_whose_credential_does_not_open_is_closed_and_the_rest_goes_on() {
    let provider = records().into_iter().find_map(|record| match record {
        Record::Provider(provider) => Some(provider),
        _ => None,
    });
    let mut provider = provider.unwrap();
    provider.credential.as_mut().unwrap().body = "AAAA".into();
    let changed = small().apply([change(2, Record::Provider(provider.clone()), at(START))], 2);
    let deployment = &changed.model("small").unwrap().deployments[0];
    assert!(!deployment.is_open());
    assert!(matches!(deployment.provider.upstream, Err(Unusable::Sealed(_))));

    provider.auth = Auth::None;
    provider.base_url = "not an address".into();
    let changed = changed.apply([change(3, Record::Provider(provider), at(START))], 3);
    let deployment = &changed.model("small").unwrap().deployments[0];
    assert_eq!(deployment.provider.upstream.as_ref().unwrap_err(), &Unusable::BaseUrl);
}

#[test]
fn a_renamed_model_is_found_under_its_new_name_only() {
    let mut renamed = model();
    renamed.name = "large".into();
    let changed = small().apply([change(2, Record::Model(renamed), at(START))], 2);
    assert!(changed.model("small").is_none());
    assert_eq!(changed.model("large").unwrap().deployments.len(), 1);
    assert_eq!(changed.models().len(), 1);
}

#[test]
fn the_newest_price_in_force_that_names_the_plan_counts() {
    let plan = caller().plan_id;
    let snapshot = small().apply(
        [
            change(2, Record::Price(price(20, None, START + 10, 2)), at(START)),
            change(3, Record::Price(price(21, Some(plan), START + 20, 3)), at(START)),
            change(4, Record::Price(price(22, Some(plan), START + 30, 4)), at(START)),
        ],
        4,
    );
    let input = |plan, seconds| {
        let found = snapshot.price(ModelId(id(11)), plan, at(seconds));
        found.map(|price| price.rates.input.0)
    };
    assert_eq!(input(plan, START - 101), None);
    assert_eq!(input(plan, START), Some(1));
    assert_eq!(input(plan, START + 10), Some(2));
    assert_eq!(input(plan, START + 20), Some(3));
    assert_eq!(input(plan, START + 99), Some(4));
    assert_eq!(input(PlanId(id(99)), START + 99), Some(2));
}

#[test]
fn subscriptions_and_limits_move_with_their_records() {
    let who = caller();
    let subscription = records().into_iter().find_map(|record| match record {
        Record::Subscription(subscription) => Some(subscription),
        _ => None,
    });
    let mut cancelled = subscription.unwrap();
    cancelled.state = SubscriptionState::Cancelled;
    let moved = limit(15, LimitScope::Org(who.org_id), Metric::Requests, Window::Minute, 5);
    let snapshot = small().apply(
        [
            change(2, Record::Subscription(cancelled.clone()), at(START)),
            change(3, Record::Limit(moved), at(START)),
        ],
        3,
    );
    assert_eq!(snapshot.subscriptions(who.app_id)[0].state, SubscriptionState::Cancelled);
    assert!(snapshot.limits(LimitScope::App(who.app_id)).is_empty());
    assert_eq!(snapshot.limits(LimitScope::Org(who.org_id))[0].max, 5);

    let gone = snapshot.apply([removal(4, &Record::Subscription(cancelled), at(START))], 4);
    assert!(gone.subscriptions(who.app_id).is_empty());
}
