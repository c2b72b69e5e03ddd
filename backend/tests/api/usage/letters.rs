//! Dead letters: what cannot be booked is kept, told, and holds nothing up.

use super::open;
use super::stream::{ship, waiting};
use crate::harness::{Caller, TestRedis, entry};
use backend::usage::{self, Booked, Consumer, Entry, ingest};
use chrono::TimeDelta;
use contract::channel::USAGE;
use contract::money::Nanos;
use contract::role::Role;
use contract::usage::UsageEvent;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_poisoned_event_is_kept_with_its_reason_and_holds_nothing_up() {
    let (app, shop, caller) = open().await;
    let good = caller.event(&app, &shop, 100, 50);
    let text = |event: &UsageEvent| Some(serde_json::to_string(event).unwrap());
    let dear = UsageEvent { cost_nanos: Nanos(1), ..caller.event(&app, &shop, 5, 5) };
    let unpriced =
        UsageEvent { price_id: contract::id::PriceId(uuid::Uuid::nil()), ..good.clone() };
    let foreign = UsageEvent { org_id: contract::id::OrgId(uuid::Uuid::nil()), ..good.clone() };
    let future = UsageEvent { at: good.at + TimeDelta::days(2), ..good.clone() };
    let bodies = [
        None,
        Some("{".to_owned()),
        Some("\0".to_owned()),
        text(&dear),
        text(&unpriced),
        text(&foreign),
        text(&future),
        text(&good),
    ];
    let entries: Vec<Entry> = bodies
        .into_iter()
        .enumerate()
        .map(|(n, body)| Entry { stream_id: format!("{n}-0"), body })
        .collect();
    assert_eq!(ingest(&app.app, &entries).await.unwrap(), Booked { new: 1, known: 0, dead: 7 });
    assert_eq!(app.count("usage_events").await, 1);
    let reasons: Vec<String> =
        sqlx::query_scalar("select reason from usage_dead_letters order by stream_id")
            .fetch_all(&mut app.sql().await)
            .await
            .unwrap();
    assert!(reasons[3].contains("1 nano-dollars; what was used and the price make"), "{reasons:?}");
    assert!(
        reasons[4].contains("no price") && reasons[5].contains("no organisation"),
        "{reasons:?}"
    );
    // The same batch once more, as after a crash before the acknowledgement.
    assert_eq!(ingest(&app.app, &entries).await.unwrap(), Booked { new: 0, known: 1, dead: 7 });
    assert_eq!(app.count("usage_dead_letters").await, 7);
    assert_eq!(app.count("ledger_transactions").await, 1);
}

#[tokio::test]
async fn a_dead_letter_is_told_listed_and_booked_once_its_reason_is_mended() {
    let (app, shop, caller) = open().await;
    let at = app.clock.now();
    let early = UsageEvent { ..caller.event(&app, &shop, 100, 50) };
    let lost = contract::id::OrgId(uuid::Uuid::nil());
    let foreign = UsageEvent { org_id: lost, ..caller.event(&app, &shop, 1, 1) };
    app.clock.advance(TimeDelta::hours(-2));
    let told = [entry(1, &early), entry(2, &foreign)];
    assert_eq!(ingest(&app.app, &told).await.unwrap().dead, 2);
    app.clock.advance(at - app.clock.now());
    let mails = async || {
        sqlx::query_scalar::<_, String>(
            "select body from mails where subject like '%not be booked'",
        )
        .fetch_all(&mut app.sql().await)
        .await
        .unwrap()
    };
    backend::jobs::run_due(&app.app).await.unwrap();
    let mail = mails().await;
    assert!(mail.len() == 1 && mail[0].contains("2 are open"), "{mail:?}");
    ingest(&app.app, &[Entry { stream_id: "3-0".into(), body: Some("{".into()) }]).await.unwrap();
    app.clock.advance(TimeDelta::minutes(59));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(mails().await.len(), 1, "one mail an hour, whatever comes");
    app.clock.advance(TimeDelta::minutes(2));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert!(mails().await.len() == 2 && mails().await.iter().any(|m| m.contains("3 are open")));
    app.clock.advance(TimeDelta::minutes(62));
    backend::jobs::run_due(&app.app).await.unwrap();
    assert_eq!(mails().await.len(), 2, "nothing new is no mail");

    let owner = app.member(&caller.test_org(), Role::Owner).await;
    owner.get("/v1/admin/dead-letters").await.refused("role.forbidden");
    let usage = owner.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!((&usage["not_booked"], &usage["totals"]["requests"]), (&json!(1), &json!(0)));
    let list = shop.operator.get("/v1/admin/dead-letters").await.expect(200).json();
    let find = |request: String| {
        list["items"].as_array().unwrap().iter().find(|l| l["request_id"] == request).unwrap()
    };
    let (mended, hopeless) =
        (find(early.request_id.to_string()), find(foreign.request_id.to_string()));
    assert_eq!(mended["said_usd"], "0.00025");
    assert!(mended["reason"].as_str().unwrap().contains("more than an hour from now"));
    let replay = async |letter: &Value| {
        let path = format!("/v1/admin/dead-letters/{}/replay", letter["id"].as_str().unwrap());
        shop.operator.post(&path, json!({})).await
    };
    let refused = replay(hopeless).await.refused("object.conflict");
    assert!(refused.text.contains("there is no organisation"), "{}", refused.text);
    for _ in 0..2 {
        assert!(replay(mended).await.expect(200).json()["replayed_at"].is_string());
    }
    while usage::refresh(&app.app).await.unwrap() > 0 {}
    let usage = owner.get("/v1/orgs/acme/usage").await.expect(200).json();
    assert_eq!((&usage["not_booked"], &usage["totals"]["requests"]), (&json!(0), &json!(1)));
    assert_eq!(app.count("ledger_transactions").await, 1);
    let count = async |state: &str| {
        let path = format!("/v1/admin/dead-letters?state={state}");
        shop.operator.get(&path).await.expect(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!((count("open").await, count("all").await), (2, 3));
    shop.operator.get("/v1/admin/dead-letters?state=some").await.refused("request.invalid");
    let audited = "(select 1 from audit_entries where action = 'replay_dead_letter') a";
    assert_eq!(app.count(audited).await, 1);
}

/// What a gateway of another version, or none, may have written.
#[tokio::test]
async fn what_is_strange_is_a_dead_letter_and_what_is_only_newer_or_older_is_booked() {
    let (app, shop, caller) = open().await;
    let other = Caller::of(&app, &app.org("umbrella").await).await;
    let event = |change: &dyn Fn(&mut Value)| {
        let mut body = serde_json::to_value(caller.event(&app, &shop, 3, 4)).unwrap();
        change(&mut body);
        body
    };
    let with = |name: &'static str, value: Value| event(&|body| body[name] = value.clone());
    let refused = [
        (with("operation", json!("hologram")), "unknown variant `hologram`"),
        (with("cost_nanos", json!(-1)), "`cost_nanos` does not fit: -1"),
        (with("cost_nanos", json!(1e30)), "not a usage event"),
        (with("reserved_nanos", json!(-1)), "does not fit"),
        (event(&|body| body["tokens"]["input"] = json!(-5)), "not a usage event"),
        (event(&|body| body["tokens"]["input"] = json!(u64::MAX)), "`tokens` does not fit"),
        (event(&|body| body["tokens"]["input"] = json!(4)), "what was used and the price make"),
        (with("status", json!(7)), "`status` does not fit"),
        (with("key_id", json!(other.key)), "is not of the organisation"),
        (with("app_id", json!(other.app)), "is not of the organisation"),
        (with("team_id", json!(other.team)), "is not of the organisation"),
        (with("org_id", json!(other.org)), "is not of the organisation"),
        (with("plan_id", json!(shop.product.0.to_string())), "not a usage event"),
    ];
    let booked = [
        with("colour_of_the_sky", json!({"blue": true})),
        event(&|body| body["tokens"]["of_a_class_to_come"] = json!(7)),
        event(&|body| {
            let body = body.as_object_mut().unwrap();
            for later in ["units", "attempts_made", "topped_up", "tags", "odd_usage", "limits"] {
                body.remove(later);
            }
        }),
    ];
    let redis = TestRedis::start().await;
    let bodies = refused.iter().map(|(body, _)| body).chain(&booked);
    for body in bodies.map(Value::to_string) {
        ship(&redis, &body).await;
    }
    for (field, bytes) in [("e", &b"\xff\xfe\0\x80"[..]), ("z", b"{}")] {
        let mut add = redis::cmd("XADD");
        add.arg(USAGE).arg("*").arg(field).arg(bytes);
        let _: String = add.query_async(&mut redis.link()).await.unwrap();
    }
    let link = backend::redis_link::connect_blocking(&redis.config(), usage::BLOCK).unwrap();
    let stop = CancellationToken::new();
    let worker = {
        let (app, stop) = (app.app.clone(), stop.clone());
        tokio::spawn(async move {
            usage::work(&app, vec![Consumer::new(link, "one".into())], &stop).await;
        })
    };
    let began = Instant::now();
    while waiting(&redis).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    worker.await.unwrap();
    let letters: Vec<(String, String)> =
        sqlx::query_as("select reason, body from usage_dead_letters order by stream_id")
            .fetch_all(&mut app.sql().await)
            .await
            .unwrap();
    assert_eq!(letters.len(), refused.len() + 2);
    for ((body, reason), (told, kept)) in refused.iter().zip(&letters) {
        assert!(told.contains(reason), "{told} is not {reason}");
        assert_eq!(serde_json::from_str::<Value>(kept).unwrap(), *body);
    }
    assert!(letters[refused.len()].1.contains('\u{fffd}'), "{letters:?}");
    assert_eq!(app.count("usage_events").await, 3);
    assert_eq!(app.count("ledger_transactions").await, 3);
}
