//! Tariffs of plans: set, changed from the next month on, shown so far while a month runs, refused where
//! they cannot be. What they post is in `tariffs_rated`.

use crate::harness::{Caller, Client, Shop, TestApp, entry};
use backend::billing::reconcile;
use backend::billing::tariffs::close::RateMonths;
use backend::jobs::Job as _;
use backend::usage::{self, ingest};
use contract::Timestamp;
use contract::id::{PlanId, RequestId};
use contract::money::{Nanos, Rates};
use contract::role::Role;
use contract::usage::{Operation, UsageEvent};
use serde_json::{Value, json};

/// An org, and a product whose plans may have a tariff.
pub struct Desk {
    pub app: TestApp,
    pub shop: Shop,
    pub caller: Caller,
    pub owner: Client,
    booked: std::sync::atomic::AtomicUsize,
}

impl Desk {
    pub async fn open() -> Self {
        let app = TestApp::start().await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        let owner = app.member(&caller.test_org(), Role::Owner).await;
        Self { app, shop, caller, owner, booked: 0.into() }
    }

    /// One whose calls are made on a new plan with this tariff.
    pub async fn with(tariff: Value) -> Self {
        let mut desk = Self::open().await;
        desk.shop.plan = desk.plan("rated", tariff).await;
        desk
    }

    pub async fn plan(&self, slug: &str, tariff: Value) -> PlanId {
        let plan = self.try_plan(slug, tariff).await.expect(201).json();
        plan["id"].as_str().unwrap().parse().unwrap()
    }

    pub async fn try_plan(&self, slug: &str, tariff: Value) -> crate::harness::Reply {
        let path = format!("/v1/admin/products/{}/plans", self.shop.product);
        let new = json!({"slug": slug, "name": slug, "approval": "auto", "tariff": tariff});
        self.shop.operator.post(&path, new).await
    }

    /// A call at an instant that used so many tokens.
    pub fn call(&self, at: &str, input: u64, output: u64) -> UsageEvent {
        let mut call = self.caller.event(&self.app, &self.shop, input, output);
        call.at = instant(at);
        call.request_id = backend::entropy::id(RequestId::new, call.at);
        call
    }

    /// The clock goes on until then; nothing is booked or rated by that.
    pub fn wait_until(&self, at: &str) {
        self.app.clock.advance(instant(at) - self.app.clock.now());
    }

    pub async fn book(&self, calls: &[UsageEvent]) {
        let first = self.booked.fetch_add(calls.len(), std::sync::atomic::Ordering::SeqCst);
        let entries: Vec<_> =
            calls.iter().enumerate().map(|(n, call)| entry(first + n, call)).collect();
        let booked = ingest(&self.app.app, &entries).await.unwrap();
        assert_eq!(booked.dead, 0, "{:?}", self.dead().await);
        while usage::refresh(&self.app.app).await.unwrap() > 0 {}
    }

    async fn dead(&self) -> Vec<String> {
        let sql = "select reason from usage_dead_letters";
        sqlx::query_scalar(sql).fetch_all(&mut self.app.sql().await).await.unwrap()
    }

    pub async fn rate(&self) {
        RateMonths.run(&self.app.app).await.unwrap();
    }

    /// What the ledger has for a kind: revision and what was earned, in order.
    pub async fn posted(&self, kind: &str) -> Vec<(String, i32, i64)> {
        let sql = "select to_char(t.month at time zone 'UTC', 'YYYY-MM'), t.revision,
             -sum(e.amount_nanos)::bigint
           from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
             join ledger_accounts a on a.id = e.account_id
           where t.kind = $1 and a.kind = 'revenue' group by t.id order by t.month, t.revision";
        sqlx::query_as(sql).bind(kind).fetch_all(&mut self.app.sql().await).await.unwrap()
    }

    /// All that was ever earned on the plan, calls and what tariffs made of them.
    pub async fn earned(&self) -> i64 {
        let sql = "select coalesce(-sum(e.amount_nanos), 0)::bigint
           from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
             join ledger_accounts a on a.id = e.account_id
           where a.kind = 'revenue' and t.plan_id = $1";
        let sql = sqlx::query_scalar(sql).bind(self.shop.plan.0);
        sql.fetch_one(&mut self.app.sql().await).await.unwrap()
    }

    pub async fn agrees(&self) {
        let (_, differences) = reconcile(&self.app.app).await.unwrap();
        assert!(differences.is_empty(), "{differences:?}");
    }

    async fn months(&self, query: &str) -> Value {
        let path = format!("/v1/orgs/acme/plan-months{query}");
        self.owner.get(&path).await.expect(200).json()["items"].clone()
    }
}

pub fn instant(at: &str) -> Timestamp {
    at.parse().unwrap_or_else(|error| panic!("{at}: {error}"))
}

/// A call under other rates.
pub fn priced(mut call: UsageEvent, rates: &Rates) -> UsageEvent {
    call.cost_nanos = call.cost_under(rates);
    call
}

/// 1 million input tokens free, from 2 million more on half price, at least 31 dollars a month.
pub fn tariff() -> Value {
    json!({
        "included": {"tokens": {"input": 1_000_000}},
        "tiers": [{"above": 2_000_000, "input_usd": "0.50", "output_usd": "1.50"}],
        "minimum_usd": "31",
    })
}

#[tokio::test]
async fn a_tariff_changes_with_the_next_month_and_everybody_sees_what_holds_and_what_comes() {
    let desk = Desk::open().await;
    let path = format!("/v1/admin/plans/{}", desk.shop.plan);
    let operator = &desk.shop.operator;
    let plan = operator.patch(&path, json!({"tariff": tariff()}), 1).await.expect(200).json();
    assert_eq!((&plan["tariff"], &plan["version"]), (&Value::Null, &json!(2)));
    assert_eq!(plan["tariff_next"]["from"], "2026-04-01T00:00:00Z");
    assert_eq!(plan["tariff_next"]["tariff"]["minimum_usd"], "31.00");
    // A second thought replaces the first, and taking it back leaves nothing to come.
    let less = json!({"tariff": {"minimum_usd": "5"}, "unknown_policy": "bill_reserved"});
    let plan = operator.patch(&path, less, 2).await.expect(200).json();
    assert_eq!(plan["tariff_next"]["tariff"]["minimum_usd"], "5.00");
    assert_eq!(plan["unknown_policy"], "bill_reserved");
    let shown = desk.app.nobody().get("/v1/catalog/chat").await.expect(200).json();
    assert_eq!(shown["plans"][0]["tariff_next"]["tariff"]["minimum_usd"], "5.00");
    let plan = operator.patch(&path, json!({"tariff": null}), 3).await.expect(200).json();
    assert_eq!(plan["tariff_next"], Value::Null);
    assert_eq!(plan["unknown_policy"], "bill_reserved", "what is absent stays");
    operator.patch(&path, json!({"tariff": tariff()}), 4).await.expect(200);
    desk.wait_until("2026-04-01T00:00:00Z");
    let shown = desk.app.nobody().get("/v1/catalog/chat").await.expect(200).json();
    let plan = &shown["plans"][0];
    assert_eq!(plan["tariff"]["included"]["tokens"]["input"], 1_000_000);
    assert_eq!(plan["tariff_next"], Value::Null);
    let sql = "select action, before->>'version', after->'tariff_next'->'tariff'->>'minimum_usd'
         from audit_entries where action = 'update_plan' order by at, id";
    let audit: Vec<(String, String, Option<String>)> =
        sqlx::query_as(sql).fetch_all(&mut desk.app.sql().await).await.unwrap();
    assert_eq!(audit.len(), 4);
    assert!(
        audit
            .iter()
            .any(|(_, before, minimum)| before == "1" && minimum.as_deref() == Some("31.00"))
    );
}

#[tokio::test]
async fn a_tariff_that_cannot_be_is_refused_with_the_field_and_nothing_is_written() {
    let desk = Desk::open().await;
    let path = format!("/v1/admin/plans/{}", desk.shop.plan);
    let tier =
        |above: Value, input: &str| json!({"above": above, "input_usd": input, "output_usd": "1"});
    let tiers = |tiers: Vec<Value>| json!({ "tiers": tiers });
    let most: Vec<Value> = (1..=11).map(|n| tier(n.into(), "1")).collect();
    for (bad, pointer) in [
        (json!({}), "/tariff"),
        (json!({"minimum_usd": "-1"}), "/tariff/minimum_usd"),
        (json!({"minimum_usd": "9999999999"}), "/tariff/minimum_usd"),
        (json!({"minimum_usd": 5}), "/tariff/minimum_usd"),
        (json!({"included": {"calls": -1}}), "/tariff/included/calls"),
        (json!({"included": {"tokens": {"input": u64::MAX}}}), "/tariff/included/tokens/input"),
        (json!({"included": {"units": {"rows": 1.5}}}), "/tariff/included/units/rows"),
        (tiers(vec![tier(9.into(), "1"), tier(5.into(), "1")]), "/tariff/tiers/1/above"),
        (tiers(vec![tier(0.into(), "1")]), "/tariff/tiers/0/above"),
        (tiers(vec![tier((-5).into(), "1")]), "/tariff/tiers/0/above"),
        (tiers(vec![tier(5.into(), "-0.000000001")]), "/tariff/tiers/0/input_usd"),
        (tiers(vec![json!({"above": 5, "input_usd": "1"})]), "/tariff/tiers/0/output_usd"),
        (tiers(most), "/tariff/tiers"),
    ] {
        let patch = desk.shop.operator.patch(&path, json!({"tariff": bad}), 1).await.expect(422);
        let create = desk.try_plan("bad", bad.clone()).await.expect(422);
        for problem in [patch.json(), create.json()] {
            assert_eq!(problem["code"], "request.invalid", "{bad}");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{bad}: {problem}");
        }
    }
    let policy = json!({"unknown_policy": "shrug"});
    let refused = desk.shop.operator.patch(&path, policy, 1).await.expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/unknown_policy");
    let stale = json!({"tariff": tariff()});
    desk.shop.operator.patch(&path, stale.clone(), 7).await.expect(412);
    desk.owner.patch(&path, stale, 1).await.expect(403);
    let bad = desk.owner.get("/v1/orgs/acme/plan-months?month=march").await.expect(422).json();
    assert_eq!(bad["errors"][0]["pointer"], "?month");
    assert_eq!(desk.app.count("plan_tariffs").await, 0);
    assert_eq!(desk.app.count("plans").await, 1);
}

#[tokio::test]
async fn a_month_that_runs_shows_what_its_tariff_makes_of_it_so_far_and_posts_nothing() {
    let desk = Desk::with(tariff()).await;
    assert_eq!(desk.months("").await, json!([]), "nobody is subscribed");
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    let calls = [desk.call("2026-03-01T12:00:00Z", 5_000_000, 0), {
        let mut free = desk.call("2026-03-01T12:00:00Z", 9_000_000, 0);
        free.operation = Operation::CountTokens;
        free.cost_nanos = Nanos::ZERO;
        free
    }];
    desk.book(&calls).await;
    desk.rate().await;
    let months = desk.months("").await;
    let month = &months[0];
    // Of 5 dollars: 1 million free, 2 at a dollar, 2 at half a one; 31 days of 31 ask 31.
    for (name, usd) in [
        ("billed_usd", "5.00"),
        ("tariff_usd", "-2.00"),
        ("minimum_usd", "31.00"),
        ("missing_usd", "28.00"),
        ("total_usd", "31.00"),
        ("posted_usd", "0.00"),
    ] {
        assert_eq!(month[name], usd, "{name}: {month}");
    }
    assert_eq!((&month["month"], &month["days"]), (&json!("2026-03"), &json!(31)));
    assert_eq!(month["used"][0]["used"]["tokens"]["input"], 5_000_000);
    assert_eq!(month["used"][0]["used"]["calls"], 1, "counting tokens is no call to charge for");
    assert_eq!(desk.app.count("plan_months").await, 0);
    assert_eq!(desk.earned().await, 5_000_000_000);
    assert_eq!(desk.months("?month=2026-02").await, json!([]));
    desk.wait_until("2026-04-02T00:00:00Z");
    desk.rate().await;
    let owner = desk.app.person("again@acme.example", false).await;
    let sql = "insert into memberships (org_id, person_id, role, created_at) values ($1, $2, 'finance', now())";
    let sql = sqlx::query(sql).bind(desk.caller.org.0).bind(owner.0.0);
    sql.execute(&mut desk.app.sql().await).await.unwrap();
    let months = owner.1.get("/v1/orgs/acme/plan-months?month=2026-03").await.expect(200).json();
    assert_eq!(months["items"][0]["posted_usd"], "26.00");
    assert_eq!(months["items"][0]["closed_at"], "2026-04-02T00:00:00Z");
    let ledger = owner.1.get("/v1/orgs/acme/ledger?kind=minimum").await.expect(200).json();
    assert_eq!(ledger["items"][0]["month"], "2026-03");
    assert_eq!(ledger["items"][0]["amount_usd"], "28.00");
    desk.agrees().await;
}

#[tokio::test]
async fn a_plan_without_a_tariff_posts_nothing() {
    let desk = Desk::open().await;
    desk.shop.subscribe(&desk.owner, &desk.caller).await;
    desk.book(&[desk.call("2026-03-01T12:00:00Z", 1_000, 1_000)]).await;
    desk.wait_until("2026-06-15T00:00:00Z");
    desk.rate().await;
    for table in ["plan_months", "usage_priced_hours", "usage_priced_stale"] {
        assert_eq!(desk.app.count(table).await, 0, "{table}");
    }
    assert_eq!(desk.app.count("ledger_transactions").await, 1);
    desk.agrees().await;
}
