//! A small world of records: one org with one app, subscribed to a product on one simulator.

use contract::Timestamp;
use contract::id::{
    AppId, DeploymentId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId, ProviderId,
    SubscriptionId, TeamId,
};
use contract::key::{self, KeyEnv, KeyPepper};
use contract::money::{Nanos, Rates};
use contract::seal::MasterKey;
use contract::snapshot::{
    AppRecord, Auth, CachePolicy, DeploymentRecord, Dialect, KeyRecord, KeySecret, Life, Lifecycle,
    LimitRecord, LimitScope, Metric, Modality, ModelRecord, OrgRecord, PlanRecord, PriceRecord,
    ProductKind, ProductRecord, ProviderRecord, ProviderSettings, Record, SubscriptionRecord,
    SubscriptionState, Window,
};

pub const MODEL: &str = "house/chat";

pub const EMBED: &str = "house/embed";

/// What the provider calls [`MODEL`].
pub const UPSTREAM_MODEL: &str = "sim-chat";

pub const CREDENTIAL: &str = "sk-upstream-credential";

/// Rates that make every class tell: nano-dollars per million tokens.
pub fn rates() -> Rates {
    Rates {
        input: Nanos(3_000_000_000),
        output: Nanos(15_000_000_000),
        cached_input: Some(Nanos(300_000_000)),
        reasoning: Some(Nanos(20_000_000_000)),
        ..Rates::default()
    }
}

pub fn pepper() -> KeyPepper {
    KeyPepper::new([7; 32])
}

pub fn master() -> MasterKey {
    MasterKey::from_base64(&MASTER).unwrap()
}

/// 32 bytes of 9.
pub static MASTER: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode([9; 32])
});

/// An id that is always the same.
macro_rules! id {
    ($kind:ident, $n:expr) => {
        $kind::new(at(), &[$n; 10])
    };
}

pub fn at() -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000, 0).unwrap()
}

/// A small world: one org with one app, subscribed to a product with a chat and an embedding
/// model, on one simulator.
pub struct World {
    pub org: OrgRecord,
    pub app: AppRecord,
    pub key: KeyRecord,
    /// The key's text.
    pub key_text: String,
    pub subscription: SubscriptionRecord,
    pub plan: PlanRecord,
    pub product: ProductRecord,
    pub models: Vec<ModelRecord>,
    pub prices: Vec<PriceRecord>,
    pub providers: Vec<ProviderRecord>,
    pub deployments: Vec<DeploymentRecord>,
    pub limits: Vec<LimitRecord>,
    pub more: Vec<Record>,
}

impl World {
    pub fn new(base_url: String) -> Self {
        let (org_id, app_id, product_id) = (id!(OrgId, 1), id!(AppId, 1), id!(ProductId, 1));
        let made = key::make(KeyEnv::Live, deterministic(1));
        let models = [(1, MODEL, Modality::Chat), (2, EMBED, Modality::Embedding)];
        let model_id = |n: u8| id!(ModelId, n);
        let upstream = |n: u8| if n == 1 { UPSTREAM_MODEL } else { "sim-embed" };
        Self {
            org: OrgRecord::new(org_id, "acme"),
            app: AppRecord { id: app_id, org_id, team_id: id!(TeamId, 1), disabled: false },
            key: KeyRecord {
                id: id!(KeyId, 1),
                org_id,
                app_id,
                env: KeyEnv::Live,
                public_id: made.public_id.clone(),
                secrets: vec![KeySecret { hash: made.hash(&pepper()).unwrap(), expires_at: None }],
                expires_at: None,
                revoked_at: None,
            },
            key_text: made.reveal().to_owned(),
            subscription: SubscriptionRecord {
                id: id!(SubscriptionId, 1),
                org_id,
                app_id,
                product_id,
                plan_id: id!(PlanId, 1),
                state: SubscriptionState::Active,
                expires_at: None,
            },
            plan: PlanRecord {
                id: id!(PlanId, 1),
                product_id,
                slug: "standard".into(),
                output_tokens_max: None,
                cache: CachePolicy::default(),
                priority: 0,
            },
            product: ProductRecord {
                id: product_id,
                slug: "all".into(),
                kind: ProductKind::Model,
                model_ids: vec![model_id(1), model_id(2)],
                purges: 0,
            },
            models: models
                .iter()
                .map(|(n, name, modality)| ModelRecord {
                    id: model_id(*n),
                    name: (*name).into(),
                    modality: *modality,
                    state: Lifecycle::Active,
                    context_tokens_max: 128_000,
                    output_tokens_max: if *n == 1 { 4_096 } else { 0 },
                    created_at: at(),
                    life: Life::default(),
                })
                .collect(),
            prices: models
                .iter()
                .map(|(n, ..)| PriceRecord {
                    id: id!(PriceId, *n),
                    model_id: model_id(*n),
                    plan_id: None,
                    effective_from: at(),
                    rates: rates(),
                })
                .collect(),
            providers: vec![provider(1, base_url)],
            deployments: models.iter().map(|(n, ..)| deployment(*n, *n, 1, upstream(*n))).collect(),
            limits: Vec::new(),
            more: Vec::new(),
        }
    }

    /// Adds a limit on the app.
    pub fn limit(&mut self, metric: Metric, window: Window, max: i64) {
        let n = u8::try_from(self.limits.len() + 1).unwrap();
        let scope = LimitScope::App(self.app.id);
        let org = Some(self.org.id);
        self.limits.push(LimitRecord::new(id!(LimitId, n), org, scope, (metric, window, max)));
    }

    pub fn records(&self) -> Vec<Record> {
        let mut all = vec![
            Record::Org(self.org.clone()),
            Record::App(self.app.clone()),
            Record::Key(self.key.clone()),
            Record::Subscription(self.subscription.clone()),
            Record::Plan(self.plan.clone()),
            Record::Product(self.product.clone()),
        ];
        all.extend(self.models.iter().cloned().map(Record::Model));
        all.extend(self.prices.iter().cloned().map(Record::Price));
        all.extend(self.providers.iter().cloned().map(Record::Provider));
        all.extend(self.deployments.iter().cloned().map(Record::Deployment));
        all.extend(self.limits.iter().cloned().map(Record::Limit));
        all.extend(self.more.iter().cloned());
        all
    }
}

pub fn provider(n: u8, base_url: String) -> ProviderRecord {
    provider_with(n, base_url, CREDENTIAL)
}

pub fn provider_with(n: u8, base_url: String, credential: &str) -> ProviderRecord {
    let id = id!(ProviderId, n);
    let sealed =
        master().seal(&ProviderRecord::seal_context(id), credential.as_bytes(), &[n; 80]).unwrap();
    ProviderRecord {
        id,
        slug: format!("provider-{n}"),
        base_url,
        dialect: Dialect::Openai,
        also: Vec::new(),
        auth: Auth::Bearer,
        settings: ProviderSettings::default(),
        credential: Some(sealed),
        disabled: false,
        pool: None,
    }
}

pub fn deployment(n: u8, model: u8, provider: u8, upstream_model: &str) -> DeploymentRecord {
    DeploymentRecord {
        id: id!(DeploymentId, n),
        model_id: id!(ModelId, model),
        provider_id: id!(ProviderId, provider),
        upstream_model: upstream_model.into(),
        region: String::new(),
        weight: 100,
        disabled: false,
        context_tokens_max: 0,
        lacks: Vec::new(),
        version: None,
    }
}

/// Bytes for making keys: the same for the same seed.
pub fn deterministic(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut n = seed;
    move |buf| {
        for byte in buf {
            n = n.wrapping_mul(31).wrapping_add(17);
            *byte = n;
        }
    }
}
