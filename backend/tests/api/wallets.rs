//! Wallets: credits in order, a floor that holds, and the same figures in the ledger, the credits and
//! what gateways are told.

use crate::harness::{Caller, Client, Shop, TestApp, TestRedis, entry};
use backend::publish::{Publisher, Target};
use backend::usage::ingest;
use chrono::TimeDelta;
use contract::channel;
use contract::id::LimitId;
use contract::money::Nanos;
use contract::role::Role;
use contract::snapshot::{Kind, LimitRecord, Record};
use contract::usage::{LimitTouched, UsageEvent};
use serde_json::{Value, json};

struct Bank {
    app: TestApp,
    shop: Shop,
    caller: Caller,
    owner: Client,
    redis: TestRedis,
}

impl Bank {
    /// An org that pays ahead.
    async fn open() -> Self {
        let redis = TestRedis::start().await;
        let app = TestApp::start_with(&["--redis-url", &redis.config().url]).await;
        let shop = Shop::open(&app).await;
        let org = app.org("acme").await;
        let caller = Caller::of(&app, &org).await;
        let owner = app.member(&caller.test_org(), Role::Owner).await;
        let bank = Self { app, shop, caller, owner, redis };
        bank.bill("prepaid", "0").await;
        bank
    }

    async fn bill(&self, billing: &str, floor: &str) -> Value {
        let path = "/v1/admin/orgs/acme";
        let version = self.shop.operator.get(path).await.expect(200).json()["version"].as_i64();
        let body = json!({"billing": billing, "floor_usd": floor});
        let path = format!("{path}/billing");
        self.shop.operator.patch(&path, body, version.unwrap()).await.expect(200).json()
    }

    async fn credit(&self, usd: &str, priority: i16, expires_at: Option<&str>) -> Value {
        let body = json!({"kind": "purchase", "amount_usd": usd, "priority": priority,
            "expires_at": expires_at, "note": "Invoice 7"});
        self.shop.operator.post("/v1/admin/orgs/acme/credits", body).await.expect(201).json()
    }

    async fn wallet(&self) -> Value {
        self.owner.get("/v1/orgs/acme/wallet").await.expect(200).json()
    }

    /// A call that costs so many dollars, which its gateway counted against the wallet.
    async fn call(&self, usd: u64) -> UsageEvent {
        let event = self.caller.event(&self.app, &self.shop, usd * 1_000_000, 0);
        let used = event.cost_nanos.0;
        let limit_id = self.limit().await;
        let touched = LimitTouched { limit_id, window_start: 0, held: used, used };
        UsageEvent { limits: vec![touched], ..event }
    }

    async fn spend(&self, usd: u64) -> UsageEvent {
        let event = self.call(usd).await;
        let id = event.request_id.to_string();
        let entry = backend::usage::Entry { stream_id: id, ..entry(0, &event) };
        assert_eq!(ingest(&self.app.app, &[entry]).await.unwrap().new, 1);
        event
    }

    /// What gateways are told of the wallet, once the publisher has come to it.
    async fn published(&self) -> Option<LimitRecord> {
        let mut publisher = Publisher::new(self.app.app.clone(), Target::new(self.redis.link()));
        while !matches!(publisher.step().await.unwrap(), backend::publish::Step::Idle(_)) {}
        let all: std::collections::HashMap<String, String> = redis::cmd("HGETALL")
            .arg(channel::records(Kind::Limit))
            .query_async(&mut self.redis.link())
            .await
            .unwrap();
        let id = self.limit().await.to_string();
        let stored: channel::Stored = serde_json::from_str(all.get(&id)?).unwrap();
        let Record::Limit(record) = stored.record else { panic!("{stored:?}") };
        Some(record)
    }

    async fn limit(&self) -> LimitId {
        let id = sqlx::query_scalar("select limit_id from wallets where org_id = $1");
        LimitId(id.bind(self.caller.org.0).fetch_one(&mut self.app.sql().await).await.unwrap())
    }

    /// Plays gateways that have drawn so much of the wallet's limit.
    async fn hold(&self, usd: i64) {
        let (org, limit) = (self.caller.org, self.limit().await.to_string());
        redis::cmd("HSET")
            .arg(channel::limit_drawn(org, &limit, &org.to_string(), 0))
            .arg("t")
            .arg(usd * 1_000_000_000)
            .query_async::<()>(&mut self.redis.link())
            .await
            .unwrap();
    }

    async fn expire(&self) {
        use backend::jobs::Job as _;
        backend::billing::wallets::expire::ExpireCredits.run(&self.app.app).await.unwrap();
    }

    /// The wallet's entries, as the platform's debt.
    async fn entries(&self, account: &str) -> i64 {
        sqlx::query_scalar(
            "select coalesce(sum(amount_nanos), 0)::bigint from ledger_entries e
             join ledger_accounts a on a.id = e.account_id where a.kind = $1",
        )
        .bind(account)
        .fetch_one(&mut self.app.sql().await)
        .await
        .unwrap()
    }
}

fn usd(dollars: i64) -> i64 {
    dollars * 1_000_000_000
}

#[tokio::test]
async fn calls_draw_on_credits_in_their_order_and_the_figures_agree_everywhere() {
    let bank = Bank::open().await;
    bank.credit("10", 50, None).await;
    bank.credit("5", 50, Some("2026-04-01T00:00:00Z")).await;
    bank.credit("3", 10, None).await;
    bank.hold(9).await;
    bank.spend(4).await;
    let wallet = bank.wallet().await;
    assert_eq!(wallet["balance_usd"], "14.00");
    let left: Vec<_> =
        wallet["credits"].as_array().unwrap().iter().map(|c| &c["remaining_usd"]).collect();
    // The one of priority 10 is used up; what expires first comes before what does not.
    assert_eq!(left, ["4.00", "10.00"]);
    assert_eq!(bank.entries("wallet").await, -usd(14));
    assert_eq!((bank.entries("cash").await, bank.entries("revenue").await), (usd(18), -usd(4)));
    assert_eq!(bank.entries("receivable").await, 0);
    let account = bank.shop.operator.get("/v1/admin/orgs/acme").await.expect(200).json();
    assert_eq!((&account["owed_usd"], &account["overrun_usd"]), (&json!("0.00"), &json!("0.00")));
    let ledger = bank.owner.get("/v1/orgs/acme/ledger?kind=usage").await.expect(200).json();
    assert_eq!(ledger["items"][0]["amount_usd"], "4.00");
    assert_eq!(ledger["items"][0]["entries"][0]["account"], "wallet");
}

#[tokio::test]
async fn what_the_wallet_cannot_give_is_owed_and_the_floor_is_never_crossed() {
    let bank = Bank::open().await;
    bank.credit("10", 50, None).await;
    bank.bill("prepaid", "4").await;
    // Kept by gateways at once; by the books when nothing is in the way.
    bank.app.clock.advance(TimeDelta::minutes(2));
    bank.hold(0).await;
    bank.expire().await;
    bank.spend(5).await;
    bank.spend(3).await;
    let wallet = bank.wallet().await;
    assert_eq!((&wallet["balance_usd"], &wallet["owed_usd"]), (&json!("4.00"), &json!("2.00")));
    let account = bank.shop.operator.get("/v1/admin/orgs/acme").await.expect(200).json();
    assert_eq!(account["overrun_usd"], "2.00");
    let crossed = sqlx::query("update wallets set drawn_nanos = drawn_nanos + 1")
        .execute(&mut bank.app.sql().await)
        .await;
    assert!(crossed.unwrap_err().to_string().contains("wallets_floor_check"));
}

#[tokio::test]
async fn gateways_are_told_what_calls_may_cost_in_all_and_a_top_up_resets_nothing() {
    let bank = Bank::open().await;
    assert_eq!(bank.published().await.unwrap().max, 0);
    bank.credit("10", 50, None).await;
    let first = bank.published().await.unwrap();
    assert_eq!((first.max, first.org_id), (usd(10), Some(bank.caller.org)));
    assert_eq!(first.kind, contract::snapshot::LimitKind::Wallet);
    bank.credit("5", 50, None).await;
    bank.bill("prepaid", "1").await;
    let second = bank.published().await.unwrap();
    assert_eq!((second.max, second.id), (usd(14), first.id));
    // Held for calls that run, and not yet booked.
    bank.hold(6).await;
    let wallet = bank.wallet().await;
    let shown = [&wallet["balance_usd"], &wallet["held_usd"], &wallet["available_usd"]];
    assert_eq!(shown, ["15.00", "6.00", "8.00"]);
    // Whoever pays afterwards has no such limit; whoever returns starts a new one.
    bank.bill("postpaid", "0").await;
    assert_eq!(bank.published().await, None);
    bank.spend(2).await;
    assert_eq!(bank.entries("receivable").await, usd(2));
    bank.bill("prepaid", "0").await;
    let third = bank.published().await.unwrap();
    assert_ne!(third.id, first.id);
    assert_eq!(third.max, usd(15));
}

#[tokio::test]
async fn expiry_is_told_first_and_booked_once_what_is_held_fits_without_it() {
    let bank = Bank::open().await;
    bank.credit("5", 50, Some("2026-03-01T13:00:00Z")).await;
    bank.credit("2", 60, None).await;
    bank.hold(4).await;
    bank.app.clock.advance(TimeDelta::hours(1));
    let running = bank.call(4).await;
    bank.expire().await;
    // Nobody may start on its strength any more; it is still there for what runs.
    assert_eq!(bank.published().await.unwrap().max, usd(2));
    assert_eq!(bank.wallet().await["balance_usd"], "7.00");
    bank.app.clock.advance(TimeDelta::minutes(2));
    bank.expire().await;
    assert_eq!(bank.wallet().await["balance_usd"], "7.00", "4 are held, 2 would be left");
    // The call ends and cost less than was held.
    let ended = UsageEvent {
        tokens: contract::usage::Tokens { input: 1_000_000, ..Default::default() },
        cost_nanos: Nanos(usd(1)),
        ..running
    };
    assert_eq!(ingest(&bank.app.app, &[entry(9, &ended)]).await.unwrap().new, 1);
    bank.hold(1).await;
    bank.expire().await;
    let wallet = bank.wallet().await;
    assert_eq!((&wallet["balance_usd"], &wallet["owed_usd"]), (&json!("2.00"), &json!("0.00")));
    assert_eq!((bank.entries("breakage").await, bank.entries("wallet").await), (-usd(4), -usd(2)));
    bank.expire().await;
    assert_eq!(bank.entries("breakage").await, -usd(4), "expired once");
    assert_eq!(bank.wallet().await["credits"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_correction_is_a_new_entry_that_names_the_old_and_gives_back_what_was_paid() {
    let bank = Bank::open().await;
    bank.credit("3", 50, None).await;
    let event = bank.spend(5).await;
    assert_eq!((bank.entries("wallet").await, bank.entries("receivable").await), (0, usd(2)));
    let ledger = bank.owner.get("/v1/orgs/acme/ledger?kind=usage").await.expect(200).json();
    let id = ledger["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ledger["items"][0]["request_id"], event.request_id.to_string());
    let path = format!("/v1/admin/ledger/{id}/corrections");
    let correct = async |amount: &str| {
        let body = json!({"amount_usd": amount, "reason": "The provider apologised"});
        bank.shop.operator.post(&path, body).await
    };
    // First what is owed is let go, then the wallet gets credit.
    let done = correct("-4").await.expect(201).json();
    assert_eq!((&done["corrects"], &done["amount_usd"]), (&json!(id), &json!("4.00")));
    assert_eq!((bank.entries("wallet").await, bank.entries("receivable").await), (-usd(2), 0));
    let wallet = bank.wallet().await;
    assert_eq!(
        (&wallet["balance_usd"], &wallet["credits"][0]["kind"]),
        (&json!("2.00"), &json!("refund"))
    );
    assert_eq!(
        correct("-1.000000001").await.refused("request.invalid").pointers(),
        ["/amount_usd"]
    );
    assert_eq!(correct("0").await.refused("request.invalid").pointers(), ["/amount_usd"]);
    correct("-1").await.expect(201);
    correct("0.5").await.expect(201);
    assert_eq!(bank.entries("revenue").await, -usd(1) / 2);
    assert_eq!(bank.entries("wallet").await, -usd(5) / 2);
    // What was charged later is not in the gateways' count, so the limit takes it off.
    assert_eq!(bank.published().await.unwrap().max, usd(6) - usd(1) / 2);
    // A correction is not corrected.
    let again = format!("/v1/admin/ledger/{}/corrections", done["id"].as_str().unwrap());
    let body = json!({"amount_usd": "1", "reason": "x"});
    bank.shop.operator.post(&again, body).await.refused("object.conflict");
    let audit = bank.owner.get("/v1/orgs/acme/audit").await.expect(200).text;
    assert!(
        audit.contains("create_correction") && audit.contains("The provider apologised"),
        "{audit}"
    );
}

#[tokio::test]
async fn amounts_that_no_wallet_can_hold_are_refused_at_their_field() {
    let bank = Bank::open().await;
    let credit = async |change: Value| {
        let mut body = json!({"kind": "grant", "amount_usd": "1", "note": "n"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        bank.shop.operator.post("/v1/admin/orgs/acme/credits", body).await
    };
    for (change, pointer) in [
        (json!({"amount_usd": "0"}), "/amount_usd"),
        (json!({"amount_usd": "-5"}), "/amount_usd"),
        (json!({"amount_usd": "100000000.000000001"}), "/amount_usd"),
        (json!({"kind": "refund"}), "/kind"),
        (json!({"priority": 0}), "/priority"),
        (json!({"priority": 101}), "/priority"),
        (json!({"expires_at": "2026-03-01T12:00:00Z"}), "/expires_at"),
        (json!({"note": " "}), "/note"),
    ] {
        assert_eq!(credit(change).await.refused("request.invalid").pointers(), [pointer]);
    }
    credit(json!({"amount_usd": "9999999999"})).await.refused("request.invalid");
    for _ in 0..10 {
        credit(json!({"amount_usd": "100000000"})).await.expect(201);
    }
    // A billion dollars in all, so that every sum fits.
    credit(json!({})).await.refused("request.invalid");
    let version =
        bank.shop.operator.get("/v1/admin/orgs/acme").await.json()["version"].as_i64().unwrap();
    for (floor, pointer) in [("-1", "/floor_usd"), ("100000000.1", "/floor_usd")] {
        let body = json!({"floor_usd": floor});
        let reply = bank.shop.operator.patch("/v1/admin/orgs/acme/billing", body, version).await;
        assert_eq!(reply.refused("request.invalid").pointers(), [pointer]);
    }
    bank.shop.operator.get("/v1/admin/orgs/nowhere").await.refused("object.not_found");
    bank.owner.get("/v1/orgs/acme/ledger?kind=theft").await.refused("request.invalid");
    let developer = bank.app.member(&bank.caller.test_org(), Role::Developer).await;
    developer.get("/v1/orgs/acme/wallet").await.refused("role.forbidden");
}
