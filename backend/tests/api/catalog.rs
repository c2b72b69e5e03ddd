//! The catalogue, and subscribing to what is in it.

use crate::harness::{Client, Shop, TestApp};
use contract::role::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn a_model_without_a_price_in_force_is_not_published() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let new = json!({"name": "free", "display_name": "Free", "modality": "embedding"});
    let model = operator.post("/v1/admin/models", new).await.expect(201).json();
    let model_path = format!("/v1/admin/models/{}", model["id"].as_str().unwrap());
    operator.patch(&model_path, json!({"state": "active"}), 1).await.expect(200);
    let new = json!({"slug": "p", "name": "P", "summary": "s", "model_ids": [model["id"]]});
    let product = operator.post("/v1/admin/products", new).await.expect(201).json();
    let path = format!("/v1/admin/products/{}", product["id"].as_str().unwrap());
    let publish = json!({"state": "published"});
    let refused = operator.patch(&path, publish.clone(), 1).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/model_ids/0"]);
    assert!(refused.text.contains("set input_usd"), "{}", refused.text);
    app.nobody().get("/v1/catalog/p").await.refused("object.not_found");
    let later =
        json!({"input_usd": "1", "output_usd": "0", "effective_from": "2026-03-02T00:00:00Z"});
    operator.post(&format!("{model_path}/prices"), later).await.expect(201);
    operator.patch(&path, publish.clone(), 1).await.refused("request.invalid");
    let now = json!({"input_usd": "1", "output_usd": "0"});
    operator.post(&format!("{model_path}/prices"), now).await.expect(201);
    operator.patch(&path, publish, 1).await.expect(200);
    operator.patch(&path, json!({"state": "draft"}), 2).await.refused("object.conflict");
    app.nobody().get("/v1/catalog/p").await.expect(200);
}

#[tokio::test]
async fn anybody_reads_the_catalogue_and_learns_no_address() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let list = app.nobody().get("/v1/catalog").await.expect(200).json();
    assert_eq!(list["items"][0]["slug"], "chat");
    assert_eq!(list["items"][0]["input_from_usd"], "1.00");
    assert_eq!(list["items"][0]["from"], json!({"rate": "input", "usd": "1.00"}));
    assert_eq!(list["items"][0]["model_names"], json!(["chat-one"]));
    let page = app.nobody().get("/v1/catalog/chat").await.expect(200);
    let product = page.json();
    assert_eq!(product["models"][0]["provider_names"], json!(["Upstream"]));
    assert_eq!(product["models"][0]["price"]["output_usd"], "3.00");
    assert_eq!(product["plans"][0]["limits"][0]["max"], 60);
    assert!(!page.text.contains("127.0.0.1") && !page.text.contains("up-one"), "{}", page.text);
    let by_id = format!("/v1/catalog/{}", shop.product);
    assert_eq!(app.nobody().get(&by_id).await.expect(200).json(), product);
    app.nobody().get("/v1/catalog/%00").await.refused("object.not_found");
}

#[tokio::test]
async fn what_is_not_sold_by_the_token_is_listed_by_what_it_is_sold_by() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let price = json!({"image_usd": "0.04", "image_output_usd": "40"});
    let large = ready(&operator, "painter-large", "image", price).await;
    let price = json!({"input_usd": "1", "image_usd": "0.02"});
    let small = ready(&operator, "painter-small", "image", price).await;
    let writer = ready(&operator, "writer", "chat", json!({"input_usd": "3"})).await;
    publish(&operator, "pictures", &[large.clone(), small]).await;
    publish(&operator, "both", &[writer, large]).await;
    let gift = ready(&operator, "gift", "moderation", json!({"free": true})).await;
    publish(&operator, "gifts", &[gift]).await;
    let list = app.nobody().get("/v1/catalog").await.expect(200).json();
    let of = |slug: &str| {
        let all = list["items"].as_array().unwrap();
        let found = all.iter().find(|item| item["slug"] == slug).unwrap();
        (found["from"].clone(), found["input_from_usd"].clone())
    };
    assert_eq!(of("pictures"), (json!({"rate": "image", "usd": "0.02"}), json!(null)));
    assert_eq!(of("both"), (json!({"rate": "input", "usd": "3.00"}), json!("3.00")));
    assert_eq!(of("gifts"), (json!(null), json!(null)));
    let found = app.nobody().get("/v1/catalog?modality=image").await.expect(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
}

/// An active model of this kind at this price; its id.
async fn ready(operator: &Client, name: &str, modality: &str, price: Value) -> Value {
    let new = json!({"name": name, "display_name": name, "modality": modality,
        "output_tokens_max": u32::from(modality == "chat")});
    let model = operator.post("/v1/admin/models", new).await.expect(201).json();
    let path = format!("/v1/admin/models/{}", model["id"].as_str().unwrap());
    operator.post(&format!("{path}/prices"), price).await.expect(201);
    operator.patch(&path, json!({"state": "active"}), 1).await.expect(200);
    model["id"].clone()
}

async fn publish(operator: &Client, slug: &str, models: &[Value]) {
    let new = json!({"slug": slug, "name": slug, "summary": "s", "model_ids": models});
    let product = operator.post("/v1/admin/products", new).await.expect(201).json();
    let path = format!("/v1/admin/products/{}", product["id"].as_str().unwrap());
    operator.patch(&path, json!({"state": "published"}), 1).await.expect(200);
}

#[tokio::test]
async fn the_catalogue_is_searched_and_filtered() {
    let app = TestApp::start().await;
    Shop::open(&app).await;
    let found = async |query: &str| {
        let path = format!("/v1/catalog?{query}");
        app.nobody().get(&path).await.expect(200).json()["items"].as_array().unwrap().len()
    };
    assert_eq!(found("q=CHAT-ONE").await, 1);
    assert_eq!(found("q=talks&modality=chat").await, 1);
    assert_eq!(found("q=100%25_").await, 0);
    assert_eq!(found("modality=embedding").await, 0);
    for bad in ["modality=smell", "limit=0", &format!("q={}", "x".repeat(101))] {
        app.nobody().get(&format!("/v1/catalog?{bad}")).await.refused("request.invalid");
    }
    app.nobody().get("/v1/catalog?cursor=x").await.refused("request.cursor");
}

#[tokio::test]
async fn a_stranger_who_signs_up_has_an_app_that_may_call() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let ada = app.sign_up("ada@example.com", "Ada Inc").await;
    let list = ada.get("/v1/orgs/ada-inc/subscriptions").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["state"], "active");
    assert_eq!(list["items"][0]["plan_id"], json!(shop.plan));
    let catalog = ada.get("/v1/orgs/ada-inc/catalog").await.expect(200).json();
    assert_eq!(catalog["items"][0]["subscribed_apps"], 1);
    let product = ada.get("/v1/orgs/ada-inc/catalog/chat").await.expect(200).json();
    assert_eq!(product["subscriptions"].as_array().unwrap().len(), 1);
    assert_eq!(app.count("outbox where kind = 'subscription'").await, 1);
    let limits = ada.get("/v1/orgs/ada-inc/limits").await.expect(200).json();
    assert_eq!(limits["items"][0]["max_usd"], "100.00");
    let onboarding = ada.get("/v1/orgs/ada-inc/onboarding").await.expect(200).json();
    assert_eq!(onboarding["sample_model"], "chat-one");
    assert_eq!(onboarding["first_key_at"], json!(null));
}

#[tokio::test]
async fn an_app_has_one_live_subscription_to_a_product() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let org = app.org("acme").await;
    let developer = app.member(&org, Role::Developer).await;
    let path = "/v1/orgs/acme/subscriptions";
    let body = json!({"app_id": org.app, "plan_id": shop.plan});
    let made = developer.post(path, body.clone()).await.expect(201).json();
    assert_eq!(
        (made["state"].clone(), made["product_slug"].clone()),
        (json!("active"), json!("chat"))
    );
    developer.post(path, body.clone()).await.refused("subscription.exists");
    let cancel = format!("{path}/{}/cancel", made["id"].as_str().unwrap());
    let ended = developer.post(&cancel, json!({})).await.expect(200).json();
    assert_eq!(ended["state"], "cancelled");
    developer.post(&cancel, json!({})).await.expect(200);
    developer.post(path, body).await.expect(201);
    let of_app = developer.get(&format!("{path}?app={}", org.app)).await.expect(200).json();
    assert_eq!(of_app["items"].as_array().unwrap().len(), 2);
    assert_eq!(app.count("audit_entries where action = 'cancel_subscription'").await, 1);
}

#[tokio::test]
async fn nobody_subscribes_another_orgs_app_nor_to_what_is_not_on_sale() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    let owner = app.member(&ours, Role::Owner).await;
    let path = "/v1/orgs/ours/subscriptions";
    let foreign = json!({"app_id": theirs.app, "plan_id": shop.plan});
    let refused = owner.post(path, foreign).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/app_id"]);
    let product = format!("/v1/admin/products/{}", shop.product);
    shop.operator.patch(&product, json!({"state": "withdrawn"}), 2).await.expect(200);
    let refused = owner
        .post(path, json!({"app_id": ours.app, "plan_id": shop.plan}))
        .await
        .refused("request.invalid");
    assert_eq!(refused.pointers(), ["/plan_id"]);
    let finance = app.member(&ours, Role::Finance).await;
    finance
        .post(path, json!({"app_id": ours.app, "plan_id": shop.plan}))
        .await
        .refused("role.forbidden");
    let shown = finance.get(path).await.expect(200).json();
    assert_eq!(shown["items"], json!([]), "of its own org alone, as budgets are set on plans");
    assert_eq!(app.count("subscriptions").await, 0);
}

#[tokio::test]
async fn a_plan_that_cannot_be_kept_is_refused() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let path = format!("/v1/admin/products/{}/plans", shop.product);
    let plan = |more: serde_json::Value| {
        let mut plan = json!({"slug": "pro", "name": "Pro", "approval": "auto"});
        plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        plan
    };
    let money_in_calls = json!({"limits": [{"metric": "money", "window": "day", "max": 5}]});
    let refused = shop.operator.post(&path, plan(money_in_calls)).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/limits/0/max"]);
    let manual = json!({"approval": "manual"});
    let refused = shop.operator.post(&path, plan(manual)).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/approval"]);
    let second = json!({"default_for_new_apps": true});
    shop.operator.post(&path, plan(second)).await.refused("object.conflict");
    let priced = shop.operator.post(&path, plan(json!({}))).await.expect(201).json();
    let price = json!({"plan_id": priced["id"], "input_usd": "0.5", "output_usd": "2"});
    let prices = format!("/v1/admin/models/{}/prices", shop.model);
    shop.operator.post(&prices, price).await.expect(201);
    let product = app.nobody().get("/v1/catalog/chat").await.json();
    let pro = product["plans"].as_array().unwrap().iter().find(|p| p["slug"] == "pro").unwrap();
    assert_eq!(pro["prices"][0]["price"]["input_usd"], "0.50");
    assert_eq!(product["models"][0]["price"]["input_usd"], "1.00");
}
