//! Publishes what one caller needs to call a model behind each dialect, in the contract's own form, straight into
//! Redis: org, app, key, product, plan, subscription, for each dialect of providers a provider, a
//! model, its deployment and price, and seven limits, all too high to be reached; and a second org under
//! no limit at all. One model has a route, and one another name. Only for a Redis that is thrown away.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use clap::Args;
use contract::Timestamp;
use contract::channel::{self, Stored};
use contract::id::{
    AliasId, AppId, DeploymentId, IdEntropy, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId,
    ProductId, ProviderId, RouteId, SubscriptionId, TeamId,
};
use contract::key::{self, KeyEnv, KeyPepper};
use contract::money::{Nanos, Rates};
use contract::seal::{MasterKey, SealEntropy};
use contract::snapshot::{
    AliasRecord, AppRecord, Auth, CachePolicy, DeploymentRecord, Dialect, KeyRecord, KeySecret,
    Lead, Life, Lifecycle, LimitRecord, LimitScope, Metric, Modality, ModelRecord, OrgRecord,
    PlanRecord, PriceRecord, ProductKind, ProductRecord, ProviderRecord, ProviderSettings, Record,
    RoutePolicy, RouteRecord, SubscriptionRecord, SubscriptionState, Window,
};
use serde::Serialize;
use std::time::Duration;

/// A model behind a dialect, and where the simulator speaks it.
const MODELS: [(&str, Dialect, &str); 5] = [
    ("bench-chat", Dialect::Openai, "/v1"),
    ("bench-responses", Dialect::Responses, "/v1"),
    ("bench-anthropic", Dialect::Anthropic, "/v1"),
    ("bench-gemini", Dialect::Gemini, "/v1beta"),
    ("bench-bedrock", Dialect::Bedrock, ""),
];
/// The provider's credential; the simulator takes any.
const CREDENTIAL: &[u8] = b"bench-credential";

#[derive(Debug, Args)]
pub struct Seed {
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: String,
    /// The simulator's address, `http://127.0.0.1:PORT`.
    #[arg(long)]
    upstream: String,
    #[arg(long, env = "TOLLGATE_MASTER_KEY", hide_env_values = true)]
    master_key: String,
    #[arg(long, env = "TOLLGATE_KEY_PEPPER", hide_env_values = true)]
    key_pepper: String,
}

impl Seed {
    /// The simulator's address.
    pub fn upstream(&self) -> &str {
        self.upstream.trim_end_matches('/')
    }
}

/// What a caller needs.
#[derive(Debug, Serialize)]
pub struct Seeded {
    key: String,
    /// Of the org without limits.
    unlimited_key: String,
    models: Vec<&'static str>,
    records: usize,
}

/// # Errors
/// A Redis that holds a snapshot already, is not there, or keys that are not 32 bytes in base64.
pub async fn run(seed: &Seed) -> anyhow::Result<Seeded> {
    let (key, unlimited_key, records) = records(seed)?;
    let count = records.len();
    publish(&seed.redis_url, records).await?;
    let models = MODELS.map(|(name, ..)| name).to_vec();
    Ok(Seeded { key, unlimited_key, models, records: count })
}

/// The price of every model here.
pub fn rates() -> Rates {
    Rates {
        input: Nanos(150_000_000),
        output: Nanos(600_000_000),
        cached_input: Some(Nanos(75_000_000)),
        ..Rates::default()
    }
}

/// An org with an app, a key and one hard limit, for each of `limits`; their keys.
///
/// # Errors
/// As [`run`].
pub async fn limited(seed: &Seed, limits: &[(Metric, i64)]) -> anyhow::Result<Vec<String>> {
    let at = DateTime::from_timestamp(1_577_836_800, 0).context("2020-01-01")?;
    let mut records = platform(seed, at)?;
    let mut keys = Vec::new();
    for (n, (metric, max)) in (100_u8..).zip(limits) {
        let (org, app) = (OrgId::new(at, &entropy(n)), AppId::new(at, &entropy(n)));
        let (key, tenant) = tenant(seed, at, n, 1)?;
        keys.push(key);
        records.extend(tenant);
        let (id, what) = (LimitId::new(at, &entropy(n)), (*metric, Window::Lifetime, *max));
        let limit = LimitRecord::new(id, Some(org), LimitScope::App(app), what);
        records.push(Record::Limit(limit));
    }
    publish(&seed.redis_url, records).await?;
    Ok(keys)
}

/// Puts everything into a Redis that holds nothing yet.
async fn publish(redis_url: &str, records: Vec<Record>) -> anyhow::Result<()> {
    let address: redis_link::Address = redis_url.parse().context("REDIS_URL")?;
    let mut redis = address.connect(Duration::from_secs(10)).await?;
    let there: bool = redis::cmd("EXISTS").arg(channel::VERSION).query_async(&mut redis).await?;
    ensure!(!there, "this Redis holds a snapshot already; seed only an empty one");
    let mut pipe = redis::pipe();
    pipe.atomic();
    // As the backend does for a new org: nothing of it was ever counted.
    let mark = redis_link::Script::new(channel::MARK_RESTORED);
    for record in &records {
        if let Record::Org(org) = record {
            let mut call = mark.prepare_invoke();
            call.key(channel::restored(org.id));
            call.invoke_async::<String>(&mut redis).await?;
        }
    }
    for (version, record) in (1_u64..).zip(records) {
        let (name, id) = (channel::records(record.kind()), record.id());
        let stored = serde_json::to_string(&Stored { version, record })?;
        pipe.cmd("HSET").arg(name).arg(id).arg(stored).ignore();
        pipe.cmd("SET").arg(channel::VERSION).arg(version).ignore();
    }
    pipe.query_async::<()>(&mut redis).await.context("writing the records")?;
    Ok(())
}

/// Ids that differ only in their last byte; no randomness is needed in a Redis of one's own.
fn entropy(n: u8) -> IdEntropy {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, n]
}

fn records(seed: &Seed) -> anyhow::Result<(String, String, Vec<Record>)> {
    let at = DateTime::from_timestamp(1_577_836_800, 0).context("2020-01-01")?;
    let (org, team, app) =
        (OrgId::new(at, &entropy(1)), TeamId::new(at, &entropy(1)), AppId::new(at, &entropy(1)));
    let plan = PlanId::new(at, &entropy(1));
    let (key, limited) = tenant(seed, at, 1, 1)?;
    let (unlimited_key, unlimited) = tenant(seed, at, 2, 2)?;
    let mut records = platform(seed, at)?;
    records.extend(limited.into_iter().chain(unlimited));
    let key_id = KeyId::new(at, &entropy(1));
    records.extend([
        limit(at, 1, None, LimitScope::Plan(plan), Metric::Requests, Window::Minute),
        limit(at, 2, Some(org), LimitScope::App(app), Metric::Tokens, Window::Day),
        limit(at, 3, Some(org), LimitScope::Org(org), Metric::Money, Window::Month),
        limit(at, 4, Some(org), LimitScope::Team(team), Metric::Money, Window::Quarter),
        limit(at, 5, Some(org), LimitScope::Key(key_id), Metric::InputTokens, Window::Hour),
        limit(at, 6, Some(org), LimitScope::App(app), Metric::OutputTokens, Window::Week),
        limit(at, 7, Some(org), LimitScope::Org(org), Metric::Requests, Window::Lifetime),
    ]);
    Ok((key, unlimited_key, records))
}

/// The `n`th org with an app, a key and a subscription to a plan; the key.
fn tenant(seed: &Seed, at: Timestamp, n: u8, plan: u8) -> anyhow::Result<(String, Vec<Record>)> {
    let (org, team, app) =
        (OrgId::new(at, &entropy(n)), TeamId::new(at, &entropy(n)), AppId::new(at, &entropy(n)));
    let (key, key_record) = made_key(seed, at, n, (org, app))?;
    let records = vec![
        Record::Org(OrgRecord::new(org, format!("bench-{n}"))),
        Record::App(AppRecord { id: app, org_id: org, team_id: team, disabled: false }),
        Record::Key(key_record),
        Record::Subscription(SubscriptionRecord {
            id: SubscriptionId::new(at, &entropy(n)),
            org_id: org,
            app_id: app,
            product_id: ProductId::new(at, &entropy(1)),
            plan_id: PlanId::new(at, &entropy(plan)),
            state: SubscriptionState::Active,
            expires_at: None,
        }),
    ];
    Ok((key, records))
}

/// A route for the last model, and another name for the first.
fn ways(at: Timestamp, models: &[ModelId]) -> Vec<Record> {
    let route = models.last().map(|model| RouteRecord {
        id: RouteId::new(at, &entropy(1)),
        model_id: *model,
        org_id: None,
        version: 1,
        policy: RoutePolicy::default(),
    });
    let alias = models.first().map(|model| AliasRecord {
        id: AliasId::new(at, &entropy(1)),
        name: "bench".to_owned(),
        lead: Lead::Model { id: *model, version: None },
        next: None,
        created_at: at,
    });
    route.map(Record::Route).into_iter().chain(alias.map(Record::Alias)).collect()
}

fn limit(
    at: Timestamp,
    n: u8,
    org_id: Option<OrgId>,
    scope: LimitScope,
    metric: Metric,
    window: Window,
) -> Record {
    let id = LimitId::new(at, &entropy(n));
    Record::Limit(LimitRecord::new(id, org_id, scope, (metric, window, 1_000_000_000_000_000)))
}

fn made_key(
    seed: &Seed,
    at: Timestamp,
    n: u8,
    (org, app): (OrgId, AppId),
) -> anyhow::Result<(String, KeyRecord)> {
    let pepper = STANDARD.decode(seed.key_pepper.trim()).context("--key-pepper")?;
    let pepper = <[u8; 32]>::try_from(pepper)
        .ok()
        .map(KeyPepper::new)
        .context("--key-pepper: expected 32 bytes in base64")?;
    let mut next = n - 1;
    let made = key::make(KeyEnv::Live, |bytes| {
        for byte in bytes {
            next = next.wrapping_mul(5).wrapping_add(77);
            *byte = next;
        }
    });
    let hash = made.hash(&pepper).context("the made key does not parse")?;
    let record = KeyRecord {
        id: KeyId::new(at, &entropy(n)),
        org_id: org,
        app_id: app,
        env: made.env,
        public_id: made.public_id.clone(),
        secrets: vec![KeySecret { hash, expires_at: None }],
        expires_at: None,
        revoked_at: None,
    };
    Ok((made.reveal().to_owned(), record))
}

/// Providers, models, deployments, prices, product and plan.
fn platform(seed: &Seed, at: Timestamp) -> anyhow::Result<Vec<Record>> {
    let product = ProductId::new(at, &entropy(1));
    let mut records = Vec::new();
    let mut model_ids = Vec::new();
    for (n, (name, dialect, path)) in (1_u8..).zip(MODELS) {
        let base = format!("{}{path}", seed.upstream.trim_end_matches('/'));
        let model = model(at, n, name);
        model_ids.push(model.id);
        records.extend([
            provider(seed, at, n, (name, dialect, base))?,
            Record::Deployment(DeploymentRecord {
                id: DeploymentId::new(at, &entropy(n)),
                model_id: model.id,
                provider_id: ProviderId::new(at, &entropy(n)),
                upstream_model: "sim-chat".to_owned(),
                region: "local".to_owned(),
                weight: 100,
                disabled: false,
                context_tokens_max: 0,
                lacks: Vec::new(),
                version: None,
            }),
            price(at, n, model.id),
            Record::Model(model),
        ]);
    }
    records.extend(ways(at, &model_ids));
    records.extend([Record::Product(ProductRecord {
        id: product,
        slug: "bench".to_owned(),
        kind: ProductKind::Model,
        model_ids,
        purges: 0,
    })]);
    records.extend((1..=2).map(|n| {
        Record::Plan(PlanRecord {
            id: PlanId::new(at, &entropy(n)),
            product_id: product,
            slug: format!("bench-{n}"),
            output_tokens_max: None,
            cache: CachePolicy::default(),
            priority: 0,
        })
    }));
    Ok(records)
}

fn provider(
    seed: &Seed,
    at: Timestamp,
    n: u8,
    (slug, dialect, base_url): (&str, Dialect, String),
) -> anyhow::Result<Record> {
    let id = ProviderId::new(at, &entropy(n));
    let master = MasterKey::from_base64(&seed.master_key)
        .context("--master-key: expected 32 bytes in base64")?;
    let nonce: SealEntropy = std::array::from_fn(|i| i.to_le_bytes().first().copied().unwrap_or(0));
    let credential = master.seal(&ProviderRecord::seal_context(id), CREDENTIAL, &nonce)?;
    Ok(Record::Provider(ProviderRecord {
        id,
        slug: slug.to_owned(),
        base_url,
        dialect,
        also: Vec::new(),
        auth: Auth::Bearer,
        settings: ProviderSettings::default(),
        credential: Some(credential),
        disabled: false,
        pool: None,
    }))
}

fn model(at: Timestamp, n: u8, name: &str) -> ModelRecord {
    ModelRecord {
        id: ModelId::new(at, &entropy(n)),
        name: name.to_owned(),
        modality: Modality::Chat,
        state: Lifecycle::Active,
        context_tokens_max: 1_000_000,
        output_tokens_max: 16_384,
        created_at: at,
        life: Life::default(),
    }
}

fn price(at: Timestamp, n: u8, model_id: ModelId) -> Record {
    let id = PriceId::new(at, &entropy(n));
    Record::Price(PriceRecord { id, model_id, plan_id: None, effective_from: at, rates: rates() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::snapshot::Kind;

    #[test]
    fn the_seed_holds_every_kind_of_record_and_a_key_that_matches_its_hash() {
        let secret = STANDARD.encode([7; 32]);
        let seed = Seed {
            redis_url: String::new(),
            upstream: "http://127.0.0.1:1/".to_owned(),
            master_key: secret.clone(),
            key_pepper: secret,
        };
        let (key, unlimited_key, records) = records(&seed).unwrap();
        for kind in Kind::ALL {
            assert!(records.iter().any(|record| record.kind() == *kind), "{kind:?}");
        }
        let pepper = KeyPepper::new([7; 32]);
        let stored = records.iter().filter_map(|record| match record {
            Record::Key(key) => key.secrets.first(),
            _ => None,
        });
        for (key, stored) in [key, unlimited_key].iter().zip(stored) {
            let parsed = contract::key::ParsedKey::parse(key).unwrap();
            assert!(stored.hash == pepper.hash(&parsed));
        }
    }
}
