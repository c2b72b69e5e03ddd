//! Something to subscribe to, made by an operator over the API; and events of its use.

use super::{Client, TestApp, TestOrg};
use backend::entropy;
use contract::id::{
    AppId, GatewayId, KeyId, ModelId, OrgId, PlanId, PriceId, ProductId, RequestId, SubscriptionId,
    TeamId,
};
use contract::money::{Nanos, Rates};
use contract::role::Role;
use contract::usage::{Operation, Outcome, Tokens, Units, UsageEvent};
use serde_json::{Value, json};

/// A published product with one chat model at 1 and 3 dollars per million tokens, and a plan that
/// new apps get.
pub struct Shop {
    pub operator: Client,
    pub provider: String,
    pub model: ModelId,
    pub price: PriceId,
    pub product: ProductId,
    pub plan: PlanId,
}

pub const RATES: Rates =
    Rates { input: Nanos(1_000_000_000), output: Nanos(3_000_000_000), ..Rates::FREE };

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value["id"].as_str().unwrap().parse().unwrap()
}

impl Shop {
    pub async fn open(app: &TestApp) -> Self {
        let operator = app.operator().await;
        let provider = operator
            .post(
                "/v1/admin/providers",
                json!({
                    "slug": "upstream", "name": "Upstream", "dialect": "openai", "auth": "bearer",
                    "base_url": "http://127.0.0.1:9/v1", "credential": "sk-very-secret",
                }),
            )
            .await
            .expect(201)
            .json();
        let model = operator
            .post(
                "/v1/admin/models",
                json!({
                    "name": "chat-one", "display_name": "Chat one", "modality": "chat",
                    "context_tokens_max": 8000, "output_tokens_max": 1000,
                }),
            )
            .await
            .expect(201)
            .json();
        let path = format!("/v1/admin/models/{}", model["id"].as_str().unwrap());
        operator
            .post(
                &format!("{path}/deployments"),
                json!({"provider_id": provider["id"], "upstream_model": "up-one", "weight": 100}),
            )
            .await
            .expect(201);
        let price = json!({"input_usd": "1", "output_usd": "3", "per_call_usd": "0"});
        let price = operator.post(&format!("{path}/prices"), price).await.expect(201).json();
        operator.patch(&path, json!({"state": "active"}), 1).await.expect(200);
        let product = operator
            .post(
                "/v1/admin/products",
                json!({
                    "slug": "chat", "name": "Chat", "summary": "Talks.",
                    "description": "**Talks**", "model_ids": [model["id"]],
                }),
            )
            .await
            .expect(201)
            .json();
        let path = format!("/v1/admin/products/{}", product["id"].as_str().unwrap());
        let plan = operator
            .post(
                &format!("{path}/plans"),
                json!({
                    "slug": "starter", "name": "Starter", "approval": "auto",
                    "default_for_new_apps": true,
                    "limits": [{"metric": "requests", "window": "minute", "max": 60}],
                }),
            )
            .await
            .expect(201)
            .json();
        operator.patch(&path, json!({"state": "published"}), 1).await.expect(200);
        Self {
            provider: provider["id"].as_str().unwrap().to_owned(),
            model: id(&model),
            price: id(&price),
            product: id(&product),
            plan: id(&plan),
            operator,
        }
    }

    /// Another chat model in the product, at so many dollars per million tokens.
    pub async fn add_model(&self, name: &str, input_usd: &str, output_usd: &str) -> ModelId {
        let new = json!({
            "name": name, "display_name": name, "modality": "chat",
            "context_tokens_max": 8000, "output_tokens_max": 1000,
        });
        let model = self.operator.post("/v1/admin/models", new).await.expect(201).json();
        let path = format!("/v1/admin/models/{}", model["id"].as_str().unwrap());
        let new = json!({"provider_id": self.provider, "upstream_model": name, "weight": 100});
        self.operator.post(&format!("{path}/deployments"), new).await.expect(201);
        let price = json!({"input_usd": input_usd, "output_usd": output_usd, "per_call_usd": "0"});
        self.operator.post(&format!("{path}/prices"), price).await.expect(201);
        self.operator.patch(&path, json!({"state": "active"}), 1).await.expect(200);
        let product = format!("/v1/admin/products/{}", self.product);
        let all = json!({"model_ids": [self.model, model["id"]]});
        self.operator.patch(&product, all, 2).await.expect(200);
        id(&model)
    }

    /// Puts the caller's app on the plan.
    pub async fn subscribe(&self, owner: &Client, caller: &Caller) {
        let new = json!({"app_id": caller.app, "plan_id": self.plan});
        owner.post("/v1/orgs/acme/subscriptions", new).await.expect(201);
    }
}

/// Somebody who can call: an app with a key.
#[derive(Clone, Copy)]
pub struct Caller {
    pub org: OrgId,
    pub team: TeamId,
    pub app: AppId,
    pub key: KeyId,
}

impl Caller {
    pub async fn of(app: &TestApp, org: &TestOrg) -> Self {
        let owner = app.member(org, Role::Owner).await;
        let path = format!("/v1/orgs/{}/keys", org.slug);
        let new = json!({"app_id": org.app, "name": "calls", "env": "live"});
        let key = owner.post(&path, new).await.expect(201).json();
        Self { org: org.id, team: org.team, app: org.app, key: id(&key["key"]) }
    }

    /// Its org, for making members of.
    pub fn test_org(&self) -> TestOrg {
        let slug = "acme-second".to_owned();
        TestOrg { id: self.org, slug, team: self.team, app: self.app }
    }

    /// A call that used `input` and `output` tokens, now.
    pub fn event(&self, app: &TestApp, shop: &Shop, input: u64, output: u64) -> UsageEvent {
        let at = app.clock.now();
        let tokens = Tokens { input, output, ..Tokens::default() };
        UsageEvent {
            request_id: entropy::id(RequestId::new, at),
            at,
            org_id: self.org,
            team_id: self.team,
            app_id: self.app,
            key_id: self.key,
            subscription_id: entropy::id(SubscriptionId::new, at),
            product_id: shop.product,
            plan_id: shop.plan,
            model_id: shop.model,
            deployment_id: None,
            provider_id: None,
            operation: Operation::Chat,
            stream: false,
            outcome: Outcome::Ok,
            status: 200,
            error_code: None,
            tokens,
            units: Units::default(),
            estimated: false,
            price_id: shop.price,
            cost_nanos: RATES.price(&tokens.into()),
            cached: None,
            price_percent: 100,
            reserved_nanos: Nanos(0),
            attempts: 1,
            attempts_made: Vec::new(),
            topped_up: 0,
            tags: Vec::new(),
            odd_usage: false,
            limits: Vec::new(),
            duration_ms: 12,
            first_token_ms: None,
            gateway_id: entropy::id(GatewayId::new, at),
            config_version: 1,
            way: None,
            shadow: None,
            residency: None,
        }
    }
}

/// The event as it lies in the stream.
pub fn entry(number: usize, event: &UsageEvent) -> backend::usage::Entry {
    backend::usage::Entry {
        stream_id: format!("{number}-0"),
        body: Some(serde_json::to_string(event).unwrap()),
    }
}
