//! A small platform of records, the backend's way of publishing them, and a wait for what must
//! come true.

use contract::Timestamp;
use contract::channel::{self, Change, Stored};
use contract::id::{
    AppId, DeploymentId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId, ProviderId,
    SubscriptionId, TeamId,
};
use contract::key::{KeyEnv, KeyHash};
use contract::money::{Nanos, Rates};
use contract::seal::MasterKey;
use contract::snapshot::{
    AppRecord, Auth, CachePolicy, DeploymentRecord, Dialect, KeyRecord, KeySecret, Kind, Life,
    Lifecycle, LimitRecord, LimitScope, Metric, Modality, ModelRecord, OrgRecord, PlanRecord,
    PriceRecord, ProductKind, ProductRecord, ProviderRecord, ProviderSettings, Record,
    SubscriptionRecord, SubscriptionState, Window,
};
use gateway::reserve::Caller;
use redis_link::Connection;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub const CREDENTIAL: &str = "sk-plain-credential-of-the-provider";
pub const PUBLIC_ID: &str = "AbCdEf123456";

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

/// 2026-01-01T00:00:00Z: the start of a minute, an hour, a day and a month.
pub const START: i64 = 1_767_225_600;

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

pub fn master() -> MasterKey {
    MasterKey::new("test", [9; 32])
}

pub fn caller() -> Caller<'static> {
    Caller {
        org_id: OrgId(id(1)),
        team_id: TeamId(id(2)),
        app_id: AppId(id(3)),
        key_id: KeyId(id(4)),
        plan_id: PlanId(id(5)),
        subscription_id: SubscriptionId(id(6)),
        model_id: ModelId(id(11)),
        tags: &[],
    }
}

pub fn key(revoked_at: Option<Timestamp>) -> KeyRecord {
    KeyRecord {
        id: caller().key_id,
        org_id: caller().org_id,
        app_id: caller().app_id,
        env: KeyEnv::Live,
        public_id: PUBLIC_ID.into(),
        secrets: vec![KeySecret { hash: KeyHash([7; 32]), expires_at: None }],
        expires_at: None,
        revoked_at,
    }
}

pub fn limit(n: u128, scope: LimitScope, metric: Metric, window: Window, max: i64) -> LimitRecord {
    LimitRecord::new(LimitId(id(n)), Some(caller().org_id), scope, (metric, window, max))
}

/// One of everything: an app that may call one model.
pub fn records() -> Vec<Record> {
    let who = caller();
    let sealed = master()
        .seal(
            &ProviderRecord::seal_context(ProviderId(id(10))),
            CREDENTIAL.as_bytes(),
            &std::array::from_fn(|i| i as u8),
        )
        .unwrap();
    vec![
        Record::Org(OrgRecord::new(who.org_id, "acme")),
        Record::App(AppRecord {
            id: who.app_id,
            org_id: who.org_id,
            team_id: who.team_id,
            disabled: false,
        }),
        Record::Key(key(None)),
        Record::Subscription(SubscriptionRecord {
            id: who.subscription_id,
            org_id: who.org_id,
            app_id: who.app_id,
            product_id: ProductId(id(12)),
            plan_id: who.plan_id,
            state: SubscriptionState::Active,
            expires_at: None,
        }),
        Record::Provider(ProviderRecord {
            id: ProviderId(id(10)),
            slug: "simulator".into(),
            base_url: "http://127.0.0.1:7103/v1/".into(),
            dialect: Dialect::Openai,
            also: Vec::new(),
            auth: Auth::Bearer,
            settings: ProviderSettings::default(),
            credential: Some(sealed),
            disabled: false,
            pool: None,
        }),
        Record::Model(model()),
        Record::Deployment(DeploymentRecord {
            id: DeploymentId(id(13)),
            model_id: ModelId(id(11)),
            provider_id: ProviderId(id(10)),
            upstream_model: "small".into(),
            region: String::new(),
            weight: 1,
            disabled: false,
            context_tokens_max: 0,
            lacks: Vec::new(),
            version: None,
        }),
        Record::Price(price(14, None, START - 100, 1)),
        Record::Product(ProductRecord {
            id: ProductId(id(12)),
            slug: "models".into(),
            kind: ProductKind::Model,
            model_ids: vec![ModelId(id(11))],
            purges: 0,
        }),
        Record::Plan(PlanRecord {
            id: who.plan_id,
            product_id: ProductId(id(12)),
            slug: "default".into(),
            output_tokens_max: None,
            cache: CachePolicy::default(),
            priority: 0,
        }),
        Record::Limit(limit(
            15,
            LimitScope::App(who.app_id),
            Metric::Requests,
            Window::Minute,
            100,
        )),
    ]
}

pub fn model() -> ModelRecord {
    ModelRecord {
        id: ModelId(id(11)),
        name: "small".into(),
        modality: Modality::Chat,
        state: Lifecycle::Active,
        context_tokens_max: 8_192,
        output_tokens_max: 1_024,
        created_at: at(START),
        life: Life::default(),
    }
}

pub fn price(n: u128, plan_id: Option<PlanId>, from: i64, input: i64) -> PriceRecord {
    PriceRecord {
        id: PriceId(id(n)),
        model_id: ModelId(id(11)),
        plan_id,
        effective_from: at(from),
        rates: Rates { input: Nanos(input), ..Rates::default() },
    }
}

pub fn change(version: u64, record: Record, at: Timestamp) -> Change {
    Change { version, kind: record.kind(), id: record.id(), record: Some(record), at }
}

pub fn removal(version: u64, record: &Record, at: Timestamp) -> Change {
    Change { version, kind: record.kind(), id: record.id(), record: None, at }
}

/// Publishes changes as the backend does: record, version and change in one transaction.
pub async fn publish(connection: &mut Connection, changes: &[Change]) {
    let mut pipe = redis::pipe();
    pipe.atomic();
    for change in changes {
        match &change.record {
            Some(record) => {
                let stored = Stored { version: change.version, record: record.clone() };
                let text = serde_json::to_string(&stored).unwrap();
                pipe.hset(channel::records(change.kind), &change.id, text).ignore();
            }
            None => {
                pipe.hdel(channel::records(change.kind), &change.id).ignore();
            }
        }
        add_change(&mut pipe, change.version, &serde_json::to_string(change).unwrap());
    }
    pipe.query_async::<()>(connection).await.unwrap();
}

pub fn add_change(pipe: &mut redis::Pipeline, version: u64, text: &str) {
    pipe.set(channel::VERSION, version).ignore();
    pipe.cmd("XADD").arg(channel::CHANGES).arg("MAXLEN").arg("~").arg(channel::CHANGES_MAX);
    pipe.arg(format!("{version}-0")).arg("c").arg(text).ignore();
}

/// Puts everything in Redis, versions from 1; says which is the last.
pub async fn publish_all(connection: &mut Connection, records: Vec<Record>) -> u64 {
    let changes: Vec<Change> =
        (1..).zip(records).map(|(version, record)| change(version, record, at(START))).collect();
    publish(connection, &changes).await;
    changes.len() as u64
}

/// Writes a record's text as it stands, as a broken publisher might.
pub async fn put_text(connection: &mut Connection, kind: Kind, id: &str, text: &str) {
    let mut command = redis::cmd("HSET");
    command.arg(channel::records(kind)).arg(id).arg(text);
    command.query_async::<()>(connection).await.unwrap();
}

/// Waits until `holds`, ten seconds at most; says how long it took.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

pub fn arc_master() -> Arc<MasterKey> {
    Arc::new(master())
}
