//! Calls of unknown outcome: seen with what was reserved, ended once, and corrected by the truth.

use crate::harness::{Caller, Client, Shop, TestApp, entry};
use backend::billing::reconcile;
use backend::jobs::Job as _;
use backend::usage::unknowns::jobs::SweepUnknowns;
use backend::usage::{Booked, Entry, ingest};
use chrono::TimeDelta;
use contract::money::Nanos;
use contract::role::Role;
use contract::usage::{Tokens, Unsettled, UsageEvent, UsageIntent};
use serde_json::{Value, json};

struct Desk {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    finance: Client,
}

impl Desk {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        let finance = app.member(&caller.test_org(), Role::Finance).await;
        Self { app, shop, caller, finance }
    }

    async fn policy(&self, policy: &str) {
        sqlx::query("update plans set unknown_policy = $1")
            .bind(policy)
            .execute(&mut self.app.sql().await)
            .await
            .unwrap();
    }

    /// A call that will use so many tokens, and reserves 10 dollars for it.
    fn call(&self, input: u64) -> UsageEvent {
        self.caller.event(&self.app, &self.shop, input, 0)
    }

    async fn tell(&self, call: &UsageEvent, ended: bool) -> Booked {
        let entry = Entry {
            stream_id: format!("{}-{ended}", call.request_id),
            body: Some(serde_json::to_string(&unsettled(call, ended)).unwrap()),
        };
        ingest(&self.app.app, &[entry]).await.unwrap()
    }

    async fn only(&self) -> Value {
        let list = self.finance.get("/v1/orgs/acme/unknowns").await.expect(200).json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        list["items"][0].clone()
    }

    async fn day(&self) {
        self.app.clock.advance(TimeDelta::hours(25));
        SweepUnknowns.run(&self.app.app).await.unwrap();
    }

    async fn resolve(&self, call: &UsageEvent, body: Value) -> crate::harness::Reply {
        let path = format!("/v1/admin/unknowns/{}/resolve", call.request_id);
        self.shop.operator.post(&path, body).await
    }

    async fn owed(&self) -> i64 {
        sqlx::query_scalar(
            "select coalesce(sum(amount_nanos), 0)::bigint from ledger_entries e
             join ledger_accounts a on a.id = e.account_id where a.kind = 'receivable'",
        )
        .fetch_one(&mut self.app.sql().await)
        .await
        .unwrap()
    }

    async fn agrees(&self) {
        let (_, differences) = reconcile(&self.app.app).await.unwrap();
        assert!(differences.is_empty(), "{differences:?}");
    }
}

pub fn unsettled(call: &UsageEvent, ended: bool) -> Unsettled {
    let intent = UsageIntent {
        request_id: call.request_id,
        at: call.at,
        org_id: call.org_id,
        team_id: call.team_id,
        app_id: call.app_id,
        key_id: call.key_id,
        subscription_id: call.subscription_id,
        product_id: call.product_id,
        plan_id: call.plan_id,
        model_id: call.model_id,
        operation: call.operation,
        stream: call.stream,
        price_id: call.price_id,
        reserved_nanos: Nanos(10_000_000_000),
        gateway_id: call.gateway_id,
        config_version: 1,
        tags: Vec::new(),
        limits: Vec::new(),
        shadow: None,
    };
    Unsettled { intent, ended }
}

#[tokio::test]
async fn finance_sees_a_call_without_an_end_and_after_a_day_its_plan_forgives_it() {
    let desk = Desk::open().await;
    let call = desk.call(1);
    assert_eq!(desk.tell(&call, true).await, Booked { new: 0, known: 1, dead: 0 });
    let seen = desk.only().await;
    assert_eq!((&seen["state"], &seen["reserved_usd"]), (&json!("unknown"), &json!("10.00")));
    let costs = desk.finance.get("/v1/orgs/acme/costs").await.expect(200).json();
    let strip = (&costs["unknown_calls"], &costs["unknown_reserved_usd"]);
    assert_eq!(strip, (&json!(1), &json!("10.00")));
    SweepUnknowns.run(&desk.app.app).await.unwrap();
    assert_eq!(desk.only().await["state"], "unknown", "not before a day has passed");
    desk.day().await;
    assert_eq!(desk.only().await["state"], "forgiven");
    assert_eq!((desk.owed().await, desk.app.count("ledger_transactions").await), (0, 0));
    desk.agrees().await;
}

#[tokio::test]
async fn a_settlement_wins_however_late_and_what_was_billed_for_the_reservation_is_corrected() {
    let desk = Desk::open().await;
    desk.policy("bill_reserved").await;
    let call = desk.call(3_000_000);
    desk.tell(&call, true).await;
    desk.day().await;
    assert_eq!(
        (desk.only().await["state"].clone(), desk.owed().await),
        (json!("billed"), 10_000_000_000)
    );
    desk.agrees().await;
    assert_eq!(ingest(&desk.app.app, &[entry(1, &call)]).await.unwrap().new, 1);
    assert_eq!(
        (desk.only().await["state"].clone(), desk.owed().await),
        (json!("settled"), 3_000_000_000)
    );
    let ledger = desk.finance.get("/v1/orgs/acme/ledger").await.expect(200).json();
    let kinds: Vec<_> =
        ledger["items"].as_array().unwrap().iter().map(|t| t["kind"].clone()).collect();
    assert!(
        ["usage", "correction", "unknown"].iter().all(|kind| kinds.contains(&json!(kind))),
        "{kinds:?}"
    );
    // Nothing that is told of it again makes a difference.
    desk.tell(&call, true).await;
    desk.day().await;
    assert_eq!(desk.owed().await, 3_000_000_000);
    desk.agrees().await;
}

#[tokio::test]
async fn an_operator_ends_a_call_exactly_by_what_its_provider_reports() {
    let desk = Desk::open().await;
    let call = desk.call(2_000_000);
    desk.tell(&call, true).await;
    let report = json!({"resolution": "usage", "reason": "The provider's record 7",
        "tokens": Tokens { input: 2_000_000, ..Tokens::NONE }});
    let after = desk.resolve(&call, report.clone()).await.expect(200).json();
    assert_eq!(
        (&after["state"], &after["reason"]),
        (&json!("settled"), &json!("The provider's record 7"))
    );
    assert_eq!(desk.owed().await, 2_000_000_000);
    desk.resolve(&call, report).await.refused("object.conflict");
    // The settlement that comes after all says the same.
    assert_eq!(ingest(&desk.app.app, &[entry(1, &call)]).await.unwrap().known, 1);
    assert_eq!(desk.owed().await, 2_000_000_000);
    let audit = desk.app.member(&desk.caller.test_org(), Role::Auditor).await;
    assert!(audit.get("/v1/orgs/acme/audit").await.expect(200).text.contains("resolve_unknown"));
    desk.agrees().await;
}

#[tokio::test]
async fn what_an_operator_says_in_a_wrong_form_is_refused_and_billing_happens_at_most_once() {
    let desk = Desk::open().await;
    let call = desk.call(1);
    let say = |resolution: &str| json!({"resolution": resolution, "reason": "As agreed"});
    desk.resolve(&call, say("forgive")).await.refused("object.not_found");
    desk.tell(&call, false).await;
    for (body, pointer) in [
        (json!({"resolution": "usage", "reason": "r"}), "/tokens"),
        (json!({"resolution": "usage", "reason": "r", "tokens": {}}), "/tokens"),
        (json!({"resolution": "usage", "reason": "r", "units": {"pictures": 3}}), "/tokens"),
        (json!({"resolution": "forgive", "reason": "r", "tokens": Tokens::NONE}), "/tokens"),
        (json!({"resolution": "forgive", "reason": " "}), "/reason"),
        (
            json!({"resolution": "usage", "reason": "r",
                "tokens": Tokens { input: 1 << 60, ..Tokens::NONE }}),
            "/tokens",
        ),
    ] {
        assert_eq!(
            desk.resolve(&call, body).await.refused("request.invalid").pointers(),
            [pointer]
        );
    }
    desk.resolve(&call, say("bill_reserved")).await.expect(200);
    assert_eq!(desk.owed().await, 10_000_000_000);
    desk.resolve(&call, say("bill_reserved")).await.refused("object.conflict");
    let forgiven = desk.resolve(&call, say("forgive")).await.expect(200).json();
    assert_eq!((&forgiven["state"], desk.owed().await), (&json!("forgiven"), 0));
    desk.resolve(&call, say("bill_reserved")).await.refused("object.conflict");
    desk.agrees().await;
}

#[tokio::test]
async fn entries_that_come_early_late_twice_or_of_nobody_are_harmless() {
    let desk = Desk::open().await;
    let (ended, running, both) = (desk.call(1), desk.call(2), desk.call(3));
    ingest(&desk.app.app, &[entry(1, &ended)]).await.unwrap();
    desk.tell(&ended, true).await;
    assert_eq!(desk.app.count("usage_unknowns").await, 0, "its end was told before");
    desk.tell(&running, false).await;
    desk.tell(&running, false).await;
    desk.tell(&running, true).await;
    desk.tell(&running, false).await;
    assert_eq!(desk.only().await["state"], "unknown", "what is gone does not come back");
    ingest(&desk.app.app, &[entry(2, &running)]).await.unwrap();
    desk.tell(&running, true).await;
    assert_eq!(desk.only().await["state"], "settled");
    // Of one batch.
    let body = |ended| Some(serde_json::to_string(&unsettled(&both, ended)).unwrap());
    let told = |n: usize, body| Entry { stream_id: format!("{n}-9"), body };
    let batch = [told(1, body(false)), told(2, body(true)), entry(3, &both), told(4, body(true))];
    assert_eq!(ingest(&desk.app.app, &batch).await.unwrap(), Booked { new: 1, known: 3, dead: 0 });
    assert_eq!(desk.app.count("usage_unknowns").await, 1);
    // Of no org of ours, and of no sense.
    let stranger = UsageEvent { org_id: contract::id::OrgId(uuid::Uuid::nil()), ..desk.call(1) };
    assert_eq!(desk.tell(&stranger, true).await, Booked { new: 0, known: 0, dead: 1 });
    let mut negative = unsettled(&desk.call(1), true);
    negative.intent.reserved_nanos = Nanos(-1);
    let letter = told(5, Some(serde_json::to_string(&negative).unwrap()));
    assert_eq!(ingest(&desk.app.app, &[letter]).await.unwrap().dead, 1);
    let other = desk.app.org("other").await;
    let owner = desk.app.member(&other, Role::Owner).await;
    let theirs = owner.get("/v1/orgs/other/unknowns").await.expect(200).json();
    assert_eq!(theirs["items"], json!([]));
    desk.agrees().await;
}
