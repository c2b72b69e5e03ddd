//! Models, deployments and prices.

use crate::harness::{Client, Shop, TestApp};
use serde_json::json;

async fn model(operator: &Client) -> String {
    let new =
        json!({"name": "m-1", "display_name": "M", "modality": "chat", "output_tokens_max": 10});
    let made = operator.post("/v1/admin/models", new).await.expect(201).json();
    assert_eq!(made["state"], "draft");
    format!("/v1/admin/models/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_model_moves_on_and_never_comes_back_from_retirement() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let path = model(&operator).await;
    operator.patch(&path, json!({"state": "deprecated"}), 1).await.refused("object.conflict");
    operator.patch(&path, json!({"state": "active"}), 1).await.expect(200);
    operator.patch(&path, json!({"state": "retired"}), 2).await.expect(200);
    operator.patch(&path, json!({"state": "active"}), 3).await.refused("object.conflict");
    assert_eq!(app.count("audit_entries where action = 'update_model'").await, 2);
}

#[tokio::test]
async fn a_bad_model_and_a_taken_name_are_refused() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    model(&operator).await;
    let bad = json!({"name": "UPPER", "display_name": "", "modality": "chat"});
    let refused = operator.post("/v1/admin/models", bad).await.refused("request.invalid");
    assert_eq!(refused.pointers()[0], "/name");
    assert!(refused.pointers().contains(&"/output_tokens_max".to_owned()));
    let taken = json!({"name": "m-1", "display_name": "M", "modality": "embedding"});
    operator.post("/v1/admin/models", taken).await.refused("object.name_taken");
}

#[tokio::test]
async fn a_price_takes_over_at_its_instant_and_is_never_edited() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let path = model(&operator).await;
    let prices = format!("{path}/prices");
    let price = |usd: &str, from: Option<&str>| json!({"input_usd": usd, "output_usd": usd, "per_call_usd": "0", "effective_from": from});
    operator.post(&prices, price("1", None)).await.expect(201);
    operator.post(&prices, price("2", Some("2026-03-02T00:00:00Z"))).await.expect(201);
    operator
        .post(&prices, price("3", Some("2026-03-02T00:00:00Z")))
        .await
        .refused("object.conflict");
    let past = operator
        .post(&prices, price("3", Some("2026-02-01T00:00:00Z")))
        .await
        .refused("request.invalid");
    assert_eq!(past.pointers(), ["/effective_from"]);
    operator.post(&prices, price("-1", None)).await.refused("request.invalid");
    let in_force = async || operator.get(&path).await.json()["price"]["input_usd"].clone();
    assert_eq!(in_force().await, "1.00");
    app.clock.advance(chrono::TimeDelta::days(2));
    assert_eq!(in_force().await, "2.00");
    assert_eq!(operator.get(&prices).await.json()["items"].as_array().unwrap().len(), 2);
    let may: bool = sqlx::query_scalar(
        "select has_table_privilege('app_system', 'prices', 'update')
             or has_table_privilege('app_system', 'prices', 'delete')",
    )
    .fetch_one(&mut app.sql().await)
    .await
    .unwrap();
    assert!(!may);
}

#[tokio::test]
async fn a_deployment_names_a_provider_that_exists_and_can_be_taken_out() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/models/{}", shop.model);
    let new = json!({"provider_id": "prov_00000000000000000000000000", "upstream_model": "x", "weight": 1});
    let refused =
        shop.operator.post(&format!("{path}/deployments"), new).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/provider_id"]);
    let again = json!({"provider_id": shop.provider, "upstream_model": "up-one", "weight": 1});
    shop.operator.post(&format!("{path}/deployments"), again).await.refused("object.conflict");
    let model = shop.operator.get(&path).await.json();
    let deployment = &model["deployments"][0];
    let path = format!("/v1/admin/deployments/{}", deployment["id"].as_str().unwrap());
    let out = shop.operator.patch(&path, json!({"disabled": true}), 1).await.expect(200).json();
    assert_eq!((out["disabled"].clone(), out["weight"].clone()), (json!(true), json!(100)));
    shop.operator.patch(&path, json!({"weight": 1001}), 2).await.refused("request.invalid");
}

#[tokio::test]
async fn a_price_by_unit_is_kept_shown_and_written_down_to_the_last_digit() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let prices = format!("{}/prices", model(&operator).await);
    let asked = json!({
        "input_usd": "5.00", "output_usd": "12.00", "cached_input_usd": "1.25",
        "cache_write_usd": "6.25", "cache_write_1h_usd": "10.00", "reasoning_usd": "0.00",
        "audio_input_usd": "40.00", "audio_output_usd": "80.00", "image_input_usd": "10.00",
        "image_output_usd": "40.00", "per_call_usd": "0.000000001", "image_usd": "0.04",
        "million_characters_usd": "15.00", "audio_minute_usd": "0.006",
        "thousand_searches_usd": "2.00", "thousand_rows_usd": "0.10", "compute_hour_usd": "3.60",
    });
    let made = operator.post(&prices, asked.clone()).await.expect(201).json();
    for (field, usd) in asked.as_object().unwrap() {
        assert_eq!(&made["price"][field], usd, "{field}");
    }
    let listed = operator.get(&prices).await.json();
    assert_eq!(listed["items"][0]["price"], made["price"]);
    let mut sql = app.sql().await;
    let noted: serde_json::Value = sqlx::query_scalar(
        "select after from audit_entries where action = 'create_price' order by at desc limit 1",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    assert_eq!(noted["price"]["thousand_searches_usd"], "2.00");
    let kept: serde_json::Value =
        sqlx::query_scalar("select rates from prices").fetch_one(&mut sql).await.unwrap();
    assert_eq!(kept["units"]["compute_hour"], 3_600_000_000_i64);
    for (field, usd) in [
        ("image_usd", "-0.01"),
        ("audio_minute_usd", "1000.01"),
        ("compute_hour_usd", "1001"),
        ("thousand_rows_usd", "100001"),
        ("cache_write_1h_usd", "100001"),
    ] {
        let bad = json!({"input_usd": "1", field: usd});
        let refused = operator.post(&prices, bad).await.refused("request.invalid");
        assert_eq!(refused.pointers(), [format!("/{field}")]);
    }
    let shape = json!({"input_usd": "1", "image_usd": 0.04});
    let refused = operator.post(&prices, shape).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/image_usd"]);
}

#[tokio::test]
async fn no_kind_of_model_is_free_by_accident() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let new = json!({"name": "painter", "display_name": "Painter", "modality": "image"});
    let made = operator.post("/v1/admin/models", new).await.expect(201).json();
    let path = format!("/v1/admin/models/{}", made["id"].as_str().unwrap());
    let prices = format!("{path}/prices");
    let of_a_chat = json!({"cache_write_usd": "1", "thousand_rows_usd": "1"});
    for nothing in [json!({}), json!({"input_usd": "0", "output_usd": "0"}), of_a_chat] {
        let refused = operator.post(&prices, nothing).await.refused("request.invalid");
        assert_eq!(refused.pointers(), ["/image_usd"]);
        assert!(refused.text.contains("image_output_usd, per_call_usd"), "{}", refused.text);
    }
    let both = json!({"image_usd": "0.04", "free": true});
    let refused = operator.post(&prices, both).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/free"]);
    assert_eq!(app.count("prices").await, 0);
    operator.post(&prices, json!({"free": true})).await.expect(201);
    let later = json!({"image_usd": "0.04", "effective_from": "2026-03-02T00:00:00Z"});
    operator.post(&prices, later).await.expect(201);
    assert_eq!(operator.get(&path).await.json()["price"]["image_usd"], "0.00");
}

#[tokio::test]
async fn a_deployment_says_what_it_lacks_and_a_change_of_its_weight_keeps_that() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/models/{}/deployments", shop.model);
    let new = |lacks: serde_json::Value| {
        json!({
            "provider_id": shop.provider, "upstream_model": "small", "weight": 1,
            "context_tokens_max": 4000, "lacks": lacks,
        })
    };
    let twice = shop.operator.post(&path, new(json!(["tools", "tools"]))).await;
    assert_eq!(twice.refused("request.invalid").pointers(), ["/lacks"]);
    let unknown = shop.operator.post(&path, new(json!(["legs"]))).await;
    assert_eq!(unknown.refused("request.invalid").pointers(), ["/lacks/0"]);
    let made = shop.operator.post(&path, new(json!(["tools", "audio"]))).await.expect(201).json();
    let one = format!("/v1/admin/deployments/{}", made["id"].as_str().unwrap());
    let changed = shop.operator.patch(&one, json!({"weight": 5}), 1).await.expect(200).json();
    assert_eq!(changed["lacks"], json!(["tools", "audio"]));
    assert_eq!(
        (changed["context_tokens_max"].clone(), changed["weight"].clone()),
        (json!(4000), json!(5))
    );
}
