//! Budgets: what may be spent in a period, who hears of it, and what gateways are told.

use crate::harness::{Caller, Client, Shop, TestApp, TestRedis, entry};
use backend::publish::{Publisher, Step, Target};
use backend::{jobs, usage};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::channel::{Stored, records};
use contract::id::{BudgetId, LimitId};
use contract::money::Nanos;
use contract::role::Role;
use contract::snapshot::{AtLimit, Kind, LimitKind, LimitRecord, Record};
use contract::usage::{Tokens, UsageEvent};
use serde_json::{Value, json};

const PATH: &str = "/v1/orgs/acme/budgets";

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
        let finance = app.member(&org, Role::Finance).await;
        Self { app, shop, caller, finance }
    }

    fn body(&self, dollars: &str, more: Value) -> Value {
        let mut body = json!({
            "name": "Research", "scope": {"kind": "org", "id": self.caller.org},
            "amount_usd": dollars, "window": "month", "action": {"kind": "deny"},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    async fn make(&self, dollars: &str, more: Value) -> Value {
        self.finance.post(PATH, self.body(dollars, more)).await.expect(201).json()
    }

    async fn shown(&self, budget: &Value) -> Value {
        self.finance.get(&one(budget)).await.expect(200).json()
    }

    /// Books calls that cost so many nano-dollars each, now, and sums up.
    async fn spend(&self, nanos: &[i64]) {
        let events: Vec<_> = nanos.iter().map(|nanos| self.event(*nanos)).collect();
        self.book(&events).await;
    }

    /// A call of input tokens at a dollar a million: a thousand nano-dollars each.
    fn event(&self, nanos: i64) -> UsageEvent {
        let input = u64::try_from(nanos / 1_000).unwrap();
        let tokens = Tokens { input, ..Tokens::default() };
        let event = self.caller.event(&self.app, &self.shop, 0, 0);
        UsageEvent { tokens, cost_nanos: Nanos(nanos), config_version: 1_000, ..event }
    }

    async fn book(&self, events: &[UsageEvent]) {
        let entries: Vec<_> = events.iter().enumerate().map(|(n, event)| entry(n, event)).collect();
        let booked = usage::ingest(&self.app.app, &entries).await.unwrap();
        assert_eq!(booked.dead, 0);
        self.sum_up().await;
    }

    async fn sum_up(&self) {
        while usage::refresh(&self.app.app).await.unwrap() > 0 {}
        usage::refresh(&self.app.app).await.unwrap();
    }

    async fn mails(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "select to_email, subject from mails where subject like '%budget%' order by 1, 2",
        )
        .fetch_all(&mut self.app.sql().await)
        .await
        .unwrap()
    }
}

fn one(budget: &Value) -> String {
    format!("{PATH}/{}", budget["id"].as_str().unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_budget_is_made_changed_raised_and_removed_and_each_is_written_down() {
    let desk = Desk::open().await;
    let audited = desk.app.count("audit_entries").await;
    let told = desk.app.count("outbox where kind = 'limit'").await;
    let made = desk.make("12.5", json!({"zone": "Europe/Berlin"})).await;
    assert_eq!(made["thresholds"], json!([50, 80, 100]));
    assert_eq!(made["period"]["from"], "2026-02-28T23:00:00Z");
    assert_eq!(made["period"]["until"], "2026-03-31T22:00:00Z");
    let same = desk.body("1", json!({}));
    desk.finance.post(PATH, same).await.refused("object.name_taken");

    let path = one(&made);
    let change = json!({"amount_usd": "20", "thresholds": [90], "action": {"kind": "throttle", "percent": 25}});
    let changed = desk.finance.patch(&path, change.clone(), 1).await.expect(200).json();
    assert_eq!(changed["action"], json!({"kind": "throttle", "percent": 25}));
    assert_eq!((&changed["version"], &changed["name"]), (&json!(2), &json!("Research")));
    desk.finance.patch(&path, change, 1).await.refused("object.version_stale");

    let raise =
        json!({"add_usd": "5", "ends_at": "2026-03-01T16:00:00Z", "reason": "Launch night"});
    let raised = desk.finance.post(&format!("{path}/raises"), raise).await.expect(201).json();
    assert_eq!(raised["period"]["limit_usd"], "25.00");
    assert_eq!(raised["raises"][0]["reason"], "Launch night");
    desk.app.clock.advance(TimeDelta::hours(4));
    let over = desk.shown(&made).await;
    assert_eq!((&over["period"]["limit_usd"], &over["raises"]), (&json!("20.00"), &json!([])));

    let raise = json!({"add_usd": "1", "ends_at": "2026-03-08T00:00:00Z", "reason": "More"});
    let raised = desk.finance.post(&format!("{path}/raises"), raise).await.expect(201).json();
    let end = format!("{path}/raises/{}", raised["raises"][0]["id"].as_str().unwrap());
    let ended = desk.finance.delete(&end).await.expect(200).json();
    assert_eq!(ended["period"]["limit_usd"], "20.00");
    desk.finance.delete(&end).await.refused("object.not_found");

    desk.finance.delete(&path).await.expect(204);
    desk.finance.delete(&path).await.refused("object.not_found");
    assert_eq!(desk.app.count("audit_entries").await - audited, 6);
    assert_eq!(desk.app.count("outbox where kind = 'limit'").await - told, 6);
    assert_eq!(desk.app.count("budget_raises").await, 0);
}

#[tokio::test]
async fn a_budget_that_cannot_be_is_refused_at_its_field() {
    let desk = Desk::open().await;
    let other = desk.app.org("other").await;
    for (more, pointer) in [
        (json!({"amount_usd": "-0.01"}), "/amount_usd"),
        (json!({"amount_usd": "1000000000.01"}), "/amount_usd"),
        (json!({"amount_usd": "99999999999999999999"}), "/amount_usd"),
        (json!({"amount_usd": "a lot"}), "/amount_usd"),
        (json!({"amount_usd": 5}), "/amount_usd"),
        (json!({"zone": "Mars/Olympus"}), "/zone"),
        (json!({"window": "hour"}), "/window"),
        (json!({"window": "fortnight"}), "/window"),
        (json!({"name": " "}), "/name"),
        (json!({"thresholds": [0]}), "/thresholds"),
        (json!({"thresholds": [201]}), "/thresholds"),
        (json!({"scope": {"kind": "app", "id": other.app}}), "/scope"),
        (json!({"scope": {"kind": "plan", "id": "plan_00000000000000000000000000"}}), "/scope"),
        (json!({"model_id": "mdl_00000000000000000000000000"}), "/model_id"),
        (json!({"tag": {"name": "Feature", "value": "x"}}), "/tag"),
        (json!({"action": {"kind": "throttle", "percent": 100}}), "/action/percent"),
    ] {
        let body = desk.body("1", more.clone());
        let refused = desk.finance.post(PATH, body).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer], "{more}");
    }
    let nothing = desk.make("0", json!({})).await;
    assert_eq!(nothing["period"]["limit_usd"], "0.00");
    let raises = format!("{}/raises", one(&nothing));
    for (raise, pointer) in [
        (json!({"add_usd": "0", "ends_at": "2026-03-02T00:00:00Z", "reason": "r"}), "/add_usd"),
        (
            json!({"add_usd": "1000000001", "ends_at": "2026-03-02T00:00:00Z", "reason": "r"}),
            "/add_usd",
        ),
        (json!({"add_usd": "1", "ends_at": "2026-03-01T12:00:00Z", "reason": "r"}), "/ends_at"),
        (json!({"add_usd": "1", "ends_at": "2028-03-01T12:00:00Z", "reason": "r"}), "/ends_at"),
        (json!({"add_usd": "1", "ends_at": "2026-03-02T00:00:00Z", "reason": ""}), "/reason"),
    ] {
        let refused = desk.finance.post(&raises, raise.clone()).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [pointer], "{raise}");
    }
}

#[tokio::test]
async fn calls_are_sent_on_only_to_a_model_that_is_cheaper_and_can_be_called() {
    let desk = Desk::open().await;
    let dear = desk.shop.model;
    let cheap = desk.shop.add_model("chat-mini", "0.1", "0.3").await;
    let narrowed =
        |model, to| json!({"model_id": model, "action": {"kind": "downgrade", "model_id": to}});
    let why = async |more: Value| {
        let refused =
            desk.finance.post(PATH, desk.body("1", more)).await.refused("request.invalid");
        assert_eq!(refused.pointers(), ["/action/model_id"]);
        refused.json()["errors"][0]["detail"].as_str().unwrap().to_owned()
    };
    assert!(why(narrowed(dear, dear)).await.contains("itself"));
    assert!(why(narrowed(dear, cheap)).await.contains("subscribed"));
    let gone =
        json!({"action": {"kind": "downgrade", "model_id": "mdl_00000000000000000000000000"}});
    assert!(why(gone).await.contains("no such model"));
    let admin = desk.app.member(&desk.caller.test_org(), Role::Admin).await;
    desk.shop.subscribe(&admin, &desk.caller).await;
    assert!(why(narrowed(cheap, dear)).await.contains("not cheaper"));
    assert!(
        why(json!({"action": {"kind": "downgrade", "model_id": dear}}))
            .await
            .contains("not cheaper")
    );
    let made = desk.make("1", narrowed(dear, cheap)).await;
    assert_eq!(
        (&made["downgrade_model_name"], &made["warnings"]),
        (&json!("chat-mini"), &json!([]))
    );
}

#[tokio::test]
async fn a_threshold_is_told_once_a_period_to_owners_and_finance_whoever_looks() {
    let desk = Desk::open().await;
    let org = desk.caller.test_org();
    for role in [Role::Admin, Role::Developer] {
        desk.app.member(&org, role).await;
    }
    let budget =
        desk.make("0.001", json!({"thresholds": [50, 100], "action": {"kind": "alert"}})).await;
    desk.spend(&[499_000]).await;
    assert_eq!(desk.app.count("budget_alerts").await, 0);
    let late = desk.event(1_000);
    let entries = [entry(1, &late)];
    usage::ingest(&desk.app.app, &entries).await.unwrap();
    // Two workers at once, and once more each.
    let (one, two) = tokio::join!(usage::refresh(&desk.app.app), usage::refresh(&desk.app.app));
    assert!(one.is_ok() && two.is_ok());
    desk.sum_up().await;
    desk.spend(&[100_000]).await;
    assert_eq!(desk.app.count("budget_alerts").await, 1);
    jobs::run_due(&desk.app.app).await.unwrap();
    let expected = [
        ("finance@acme.example", "acme: the budget Research reached 50 %"),
        ("owner@acme.example", "acme: the budget Research reached 50 %"),
    ];
    let told = desk.mails().await;
    assert_eq!(told, expected.map(|(to, subject)| (to.to_owned(), subject.to_owned())));

    // A worker that died after its commit leaves the job; the second run tells nobody again.
    let again = "insert into jobs (id, kind, payload, run_at, created_at)
      select gen_random_uuid(), 'tell_budget_alert', jsonb_build_object('alert', $1::text), $2, $2";
    let alerts =
        desk.finance.get(&format!("{}/alerts", self::one(&budget))).await.expect(200).json();
    sqlx::query(again)
        .bind(alerts["items"][0]["id"].as_str().unwrap())
        .bind(desk.app.clock.now())
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    jobs::run_due(&desk.app.app).await.unwrap();
    assert_eq!(desk.mails().await.len(), 2);
    assert_eq!(desk.app.count("jobs where failed_at is not null").await, 0);

    // The rest of the way; and the next period from the start.
    desk.app.clock.advance(TimeDelta::seconds(1));
    desk.spend(&[400_000]).await;
    desk.app.clock.advance(TimeDelta::days(31));
    desk.spend(&[600_000]).await;
    jobs::run_due(&desk.app.app).await.unwrap();
    assert_eq!(desk.mails().await.len(), 6);
    // The month was longer than a session.
    let auditor = desk.app.member(&org, Role::Auditor).await;
    let alerts = auditor.get(&format!("{}/alerts", self::one(&budget))).await.expect(200).json();
    let told: Vec<_> = alerts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["percent"].as_i64().unwrap(), one["spent_usd"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(told, [(50, "0.0006".into()), (100, "0.001".into()), (50, "0.0005".into())]);
}

#[tokio::test]
async fn a_budget_made_or_changed_after_the_money_was_spent_tells_at_once() {
    let desk = Desk::open().await;
    desk.spend(&[600_000]).await;
    let budget = desk.make("0.001", json!({})).await;
    assert_eq!(budget["period"]["spent_usd"], "0.0006");
    desk.sum_up().await;
    assert_eq!(desk.app.count("budget_alerts where percent = 50").await, 1);
    desk.finance.patch(&one(&budget), json!({"amount_usd": "0.0006"}), 1).await.expect(200);
    desk.sum_up().await;
    assert_eq!(desk.app.count("budget_alerts").await, 3);
}

#[tokio::test]
async fn what_is_spent_is_what_calls_in_the_scope_cost_in_the_local_period() {
    let desk = Desk::open().await;
    let Caller { team, app, key, .. } = desk.caller;
    let of = |name: &str, more: Value| {
        let mut more = more;
        more["name"] = json!(name);
        more
    };
    // 1 March 12:00 UTC. In Kolkata the day began at 18:30 UTC of the day before.
    let day = json!({"window": "day", "zone": "Asia/Kolkata"});
    let mut made = Vec::new();
    for (name, more) in [
        ("day", day),
        ("team", json!({"scope": {"kind": "team", "id": team}})),
        ("app", json!({"scope": {"kind": "app", "id": app}, "window": "week"})),
        ("key", json!({"scope": {"kind": "key", "id": key}, "window": "quarter"})),
        ("model", json!({"model_id": desk.shop.model, "window": "year"})),
    ] {
        made.push(desk.make("9", of(name, more)).await);
    }
    let when = [
        "2025-12-31T23:59:59.999Z",
        "2026-01-01T00:00:00Z",
        "2026-02-22T23:59:59Z",
        "2026-02-23T00:00:00Z",
        "2026-02-28T18:29:59.999Z",
        "2026-02-28T18:30:00Z",
        "2026-03-01T00:00:00Z",
        "2026-03-01T11:59:59Z",
    ];
    let events: Vec<_> =
        when.into_iter().enumerate().map(|(n, when)| desk.event_at(at(when), 1_000 << n)).collect();
    desk.book(&events).await;
    let sum = |from: usize| (from..when.len()).map(|n| 1_000_i64 << n).sum::<i64>();
    let expected = [sum(5), sum(6), sum(3), sum(1), sum(1)];
    for (budget, nanos) in made.iter().zip(expected) {
        let spent = desk.shown(budget).await["period"]["spent_usd"].clone();
        assert_eq!(spent, json!(contract::money::Usd(Nanos(nanos))), "{}", budget["name"]);
    }
    let other = desk.make("9", of("elsewhere", json!({"tag": {"name": "f", "value": "x"}}))).await;
    assert_eq!(other["period"]["spent_usd"], "0.00");
}

impl Desk {
    /// As a call that declared `feature` is kept.
    async fn tag(&self, event: &UsageEvent, feature: &str) {
        sqlx::query("update usage_events set tags = $2 where request_id = $1")
            .bind(event.request_id.0)
            .bind(json!([{"name": "feature", "value": feature}]))
            .execute(&mut self.app.sql().await)
            .await
            .unwrap();
    }

    fn event_at(&self, at: Timestamp, nanos: i64) -> UsageEvent {
        let now = self.app.clock.now();
        self.app.clock.advance(at - now);
        let event = self.event(nanos);
        self.app.clock.advance(now - at);
        event
    }

    /// What gateways are told of a budget.
    async fn record(&self, budget: &Value) -> Option<LimitRecord> {
        let redis = TestRedis::start().await;
        let mut publisher = Publisher::new(self.app.app.clone(), Target::new(redis.link()));
        while !matches!(publisher.step().await, Ok(Step::Idle(_))) {}
        let id: BudgetId = budget["id"].as_str().unwrap().parse().unwrap();
        let stored: Option<String> = redis::cmd("HGET")
            .arg(records(Kind::Limit))
            .arg(LimitId(id.0).to_string())
            .query_async(&mut redis.link())
            .await
            .unwrap();
        let stored: Stored = serde_json::from_str(&stored?).unwrap();
        match stored.record {
            Record::Limit(limit) => Some(limit),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn gateways_are_told_a_budget_as_a_limit_of_money_with_its_raises() {
    let desk = Desk::open().await;
    let alert = desk.make("1", json!({"name": "only told", "action": {"kind": "alert"}})).await;
    assert_eq!(desk.record(&alert).await, None);
    let throttle = json!({"zone": "Europe/Berlin", "action": {"kind": "throttle", "percent": 10}});
    let budget = desk.make("1", throttle).await;
    let raise = json!({"add_usd": "2", "ends_at": "2026-03-01T16:00:00Z", "reason": "r"});
    desk.finance.post(&format!("{}/raises", one(&budget)), raise).await.expect(201);
    let record = desk.record(&budget).await.unwrap();
    assert_eq!(
        (record.kind, record.at_limit),
        (LimitKind::Budget, AtLimit::Throttle { percent: 10 })
    );
    assert_eq!(record.name.as_deref(), Some("Research"));
    let (during, after) = (at("2026-03-01T15:59:59Z"), at("2026-03-01T16:00:00Z"));
    assert_eq!(record.stated_at(during), (3_000_000_000, Some(after)));
    assert_eq!(record.stated_at(after).0, 1_000_000_000);
    assert_eq!(record.bounds(after).1, at("2026-03-31T22:00:00Z").timestamp());
    desk.finance.delete(&one(&budget)).await.expect(204);
    assert_eq!(desk.record(&budget).await, None);
}

#[tokio::test]
async fn what_was_spent_before_gateways_knew_of_a_budget_is_taken_off_once_and_exactly() {
    let desk = Desk::open().await;
    let known_without = |nanos| UsageEvent { config_version: 0, ..desk.event(nanos) };
    desk.book(&[known_without(100_000)]).await;
    let known: i64 = sqlx::query_scalar("select version from config_versions")
        .fetch_one(&mut desk.app.sql().await)
        .await
        .unwrap();
    let budget = desk.make("1", json!({})).await;
    let before = async || desk.record(&budget).await.unwrap().spent_before.map(|one| one.amount);
    assert_eq!(before().await, Some(100_000));
    // A call that was admitted before and booked after; and one that gateways counted.
    assert_eq!(known, 0);
    let late = known_without(20_000);
    desk.app.clock.advance(TimeDelta::seconds(1));
    desk.book(&[late.clone(), desk.event(3_000)]).await;
    assert_eq!(before().await, Some(120_000));
    desk.book(&[late]).await;
    assert_eq!(before().await, Some(120_000));
    let record = desk.record(&budget).await.unwrap();
    assert_eq!(record.max_at(desk.app.clock.now()).0, 1_000_000_000 - 120_000);
    assert_eq!(record.max_at(at("2026-04-01T00:00:00Z")).0, 1_000_000_000);
}

#[tokio::test]
async fn a_budget_on_a_plan_counts_the_orgs_calls_on_it_and_needs_a_subscription() {
    let desk = Desk::open().await;
    let on_plan = json!({"scope": {"kind": "plan", "id": desk.shop.plan}});
    let refused =
        desk.finance.post(PATH, desk.body("1", on_plan.clone())).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/scope"]);
    let admin = desk.app.member(&desk.caller.test_org(), Role::Admin).await;
    let subscribe = json!({"app_id": desk.caller.app, "plan_id": desk.shop.plan});
    admin.post("/v1/orgs/acme/subscriptions", subscribe).await.expect(201);
    let budget = desk.make("1", on_plan).await;
    assert!(budget["scope_name"].as_str().unwrap().contains(", "), "{budget}");
    desk.spend(&[30_000]).await;
    assert_eq!(desk.shown(&budget).await["period"]["spent_usd"], "0.00003");
    let record = desk.record(&budget).await.unwrap();
    assert_eq!(
        (record.org_id, record.scope),
        (Some(desk.caller.org), contract::snapshot::LimitScope::Plan(desk.shop.plan),)
    );
}

#[tokio::test]
async fn a_budget_on_a_tag_counts_only_calls_that_declare_it_and_tells_within_half_a_minute() {
    let desk = Desk::open().await;
    let tag = json!({"tag": {"name": "feature", "value": "search"}, "thresholds": [50]});
    let budget = desk.make("0.001", tag).await;
    let search = desk.event(300_000);
    desk.book(&[desk.event(300_000), search.clone(), desk.event(900_000)]).await;
    desk.tag(&search, "search").await;
    assert_eq!(desk.shown(&budget).await["period"]["spent_usd"], "0.0003");
    let more = desk.event(300_000);
    desk.book(std::slice::from_ref(&more)).await;
    desk.tag(&more, "search").await;
    desk.spend(&[1_000]).await;
    assert_eq!(desk.app.count("budget_alerts").await, 0, "it was looked at just now");
    desk.app.clock.advance(TimeDelta::seconds(30));
    desk.sum_up().await;
    assert_eq!(desk.app.count("budget_alerts where percent = 50").await, 1);
}

#[tokio::test]
async fn a_forecast_needs_a_week_and_states_its_range() {
    let desk = Desk::open().await;
    let budget = desk.make("1", json!({})).await;
    assert_eq!(desk.shown(&budget).await["period"]["forecast"], Value::Null);
    for _ in 0..6 {
        desk.spend(&[2_000_000]).await;
        desk.app.clock.advance(TimeDelta::days(1));
    }
    desk.spend(&[4_000_000]).await;
    assert_eq!(desk.shown(&budget).await["period"]["forecast"], Value::Null);
    desk.app.clock.advance(TimeDelta::days(1));
    let days = desk.shown(&budget).await["period"]["days"].clone();
    assert_eq!(days.as_array().unwrap().len(), 7);
    assert_eq!(days[6], json!({"day": "2026-03-07T00:00:00Z", "cost_usd": "0.004"}));
    // 8 March 12:00: seven full days cost 16 million nano-dollars; 23.5 days are left.
    let forecast = desk.shown(&budget).await["period"]["forecast"].clone();
    let at_end = 16_000_000 + 16_000_000 * 47 / 14;
    assert_eq!(
        forecast,
        json!({
            "at_end_usd": contract::money::Usd(Nanos(at_end)),
            "low_usd": "0.063", "high_usd": contract::money::Usd(Nanos(at_end)), "days": 7,
        })
    );
}

#[tokio::test]
async fn budgets_that_contradict_or_never_bind_are_named() {
    let desk = Desk::open().await;
    desk.make("100", json!({"name": "Whole"})).await;
    let above = desk
        .make("200", json!({"name": "Above", "scope": {"kind": "app", "id": desk.caller.app}}))
        .await;
    let kinds = |budget: &Value| -> Vec<String> {
        let warnings = budget["warnings"].as_array().unwrap();
        warnings.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&above), ["never_reached"]);
    assert!(above["warnings"][0]["detail"].as_str().unwrap().contains("Whole"));
    let same = desk
        .make("100", json!({"name": "Same", "action": {"kind": "throttle", "percent": 5}}))
        .await;
    assert_eq!(kinds(&same), ["outranked"]);
    let owner = desk.app.member(&desk.caller.test_org(), Role::Admin).await;
    let doomed = json!({"name": "Doomed", "team_id": desk.caller.team});
    let doomed = owner.post("/v1/orgs/acme/apps", doomed).await.expect(201).json();
    let scope = json!({"name": "On it", "scope": {"kind": "app", "id": doomed["id"]}});
    let left = desk.make("1", scope).await;
    owner
        .delete(&format!("/v1/orgs/acme/apps/{}", doomed["id"].as_str().unwrap()))
        .await
        .expect(204);
    let left = desk.shown(&left).await;
    assert_eq!((kinds(&left), &left["scope_name"]), (vec!["scope_gone".to_owned()], &json!("")));
    desk.finance.delete(&one(&left)).await.expect(204);
    let all = desk.finance.get(PATH).await.expect(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn finance_sets_budgets_and_developers_do_not_see_them() {
    let desk = Desk::open().await;
    let org = desk.caller.test_org();
    let budget = desk.make("1", json!({})).await;
    let developer = desk.app.member(&org, Role::Developer).await;
    developer.get(PATH).await.refused("role.forbidden");
    developer.post(PATH, desk.body("2", json!({"name": "x"}))).await.refused("role.forbidden");
    let auditor = desk.app.member(&org, Role::Auditor).await;
    auditor.get(&one(&budget)).await.expect(200);
    auditor.delete(&one(&budget)).await.refused("role.forbidden");
}
