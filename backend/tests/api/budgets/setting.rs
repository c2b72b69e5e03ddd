//! Setting budgets: what is refused, what is named, and who may.

use super::{Desk, PATH, one};
use chrono::TimeDelta;
use contract::role::Role;
use serde_json::{Value, json};

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
