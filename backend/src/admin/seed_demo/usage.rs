//! A month of use for the demo's apps, of calls to the simulator's models. It goes through the
//! same booking as what gateways report, so that ledger, rollups and reports agree on it.

use super::catalogue::Simulator;
use super::people::{Org, OrgApp};
use crate::app::App;
use crate::catalog::subscriptions;
use crate::db::SystemTx;
use crate::http::PageQuery;
use crate::usage::{self, Entry};
use crate::{entropy, models};
use chrono::{TimeDelta, Timelike as _};
use contract::Timestamp;
use contract::api::catalog::Subscription;
use contract::id::{GatewayId, ModelId, PriceId, RequestId};
use contract::money::{Nanos, Rates};
use contract::role::Role;
use contract::usage::{Operation, Outcome, Tokens, Units, UsageEvent};

const DAYS: i64 = 30;
/// Events booked in one transaction.
const BATCH: usize = 500;

/// Books a month of calls for every org that has none yet.
pub async fn seed(app: &App, orgs: &[Org], simulator: &Simulator) -> anyhow::Result<()> {
    for org in orgs {
        let mut tx = app.system_tx("seed-demo", "price the demo's use").await?;
        if usage::has_any(&mut tx, org.id).await? {
            continue;
        }
        let priced = prices(&mut tx, simulator).await?;
        let mut tx = tx.enter(org.id, Role::Owner).await?;
        let gateway_id = entropy::id(GatewayId::new, app.clock.now());
        let mut events = Vec::new();
        for (number, of) in org.apps.iter().enumerate() {
            let all = subscriptions::store::list(&mut tx, Some(of.id), &PageQuery::first()).await?;
            let month = Month { app: of, org, gateway_id, simulator, now: app.clock.now() };
            for priced in &priced {
                events.extend(month.events(priced, &all, number));
            }
        }
        drop(tx);
        for batch in events.chunks(BATCH) {
            let entries = batch.iter().map(entry).collect::<serde_json::Result<Vec<_>>>()?;
            usage::ingest(app, &entries).await?;
        }
    }
    Ok(())
}

/// A model and what it costs now.
struct Priced {
    model: ModelId,
    price: PriceId,
    rates: Rates,
}

async fn prices(tx: &mut SystemTx, simulator: &Simulator) -> sqlx::Result<Vec<Priced>> {
    let mut all = Vec::new();
    for model in &simulator.models {
        let found = models::store::find_rates(tx, *model).await?;
        all.extend(found.map(|(price, rates)| Priced { model: *model, price, rates }));
    }
    Ok(all)
}

fn entry(event: &UsageEvent) -> serde_json::Result<Entry> {
    let stream_id = event.request_id.to_string();
    Ok(Entry { stream_id, body: Some(serde_json::to_string(event)?) })
}

/// One app's month.
struct Month<'a> {
    app: &'a OrgApp,
    org: &'a Org,
    gateway_id: GatewayId,
    simulator: &'a Simulator,
    now: Timestamp,
}

impl Month<'_> {
    /// The calls to one model.
    fn events(&self, of: &Priced, all: &[Subscription], number: usize) -> Vec<UsageEvent> {
        let Some(subscription) = self.subscription(all, of.model) else { return Vec::new() };
        let event = |(at, call)| {
            let mut event = self.event(of, subscription, at, call);
            event.cost_nanos = event.cost_under(&of.rates);
            event
        };
        self.calls(number).map(event).collect()
    }

    fn is_chat(&self, model: ModelId) -> bool {
        self.simulator.models.iter().take(2).any(|chat| *chat == model)
    }

    /// The app's live subscription that opens `model`: chat models are the first product's, the
    /// embedding model the second's.
    fn subscription<'s>(
        &self,
        all: &'s [Subscription],
        model: ModelId,
    ) -> Option<&'s Subscription> {
        let plan = self.simulator.pro.get(usize::from(!self.is_chat(model)))?;
        all.iter().find(|subscription| subscription.plan_id == plan.id)
    }

    /// When calls were made, and a number that tells one from another: more by day than by night,
    /// fewer at weekends, growing over the month. By rule, not by chance: every demo looks alike.
    fn calls(&self, number: usize) -> impl Iterator<Item = (Timestamp, u64)> + '_ {
        let first = self.now - TimeDelta::days(DAYS);
        (0..DAYS * 24).flat_map(move |hour| {
            let at = first + TimeDelta::hours(hour);
            let by_day = if (7..19).contains(&at.hour()) { 2 } else { 0 };
            let busy = by_day + i64::from((hour + i64::try_from(number).unwrap_or(0)) % 5 == 0);
            let grown = busy * (10 + hour / 48) / 10;
            (0..grown.clamp(0, 6)).map(move |n| {
                let call = u64::try_from(hour * 7 + n * 13).unwrap_or(0);
                (at + TimeDelta::minutes(n * 9) + TimeDelta::seconds(hour % 50), call)
            })
        })
    }

    fn event(
        &self,
        of: &Priced,
        subscription: &Subscription,
        at: Timestamp,
        call: u64,
    ) -> UsageEvent {
        let is_chat = self.is_chat(of.model);
        let tokens = if is_chat {
            Tokens {
                input: 120 + call * 37 % 900,
                cached_input: if call.is_multiple_of(3) { 256 } else { 0 },
                output: 40 + call * 53 % 480,
                ..Tokens::default()
            }
        } else {
            Tokens { input: 60 + call * 29 % 700, ..Tokens::default() }
        };
        let failed = call % 97 == 11;
        let stream = is_chat && call.is_multiple_of(2);
        UsageEvent {
            request_id: entropy::id(RequestId::new, at),
            at,
            org_id: self.org.id,
            team_id: self.app.team_id,
            app_id: self.app.id,
            key_id: self.app.key_id,
            subscription_id: subscription.id,
            product_id: subscription.product_id,
            plan_id: subscription.plan_id,
            model_id: of.model,
            deployment_id: None,
            provider_id: Some(self.simulator.provider_id),
            operation: if is_chat { Operation::Chat } else { Operation::Embeddings },
            stream,
            outcome: if failed { Outcome::UpstreamError } else { Outcome::Ok },
            status: if failed { 502 } else { 200 },
            error_code: failed.then(|| "upstream.failed".to_owned()),
            tokens: if failed { Tokens::default() } else { tokens },
            units: Units::default(),
            estimated: false,
            price_id: of.price,
            cost_nanos: Nanos::ZERO,
            cached: None,
            price_percent: 100,
            reserved_nanos: Nanos::ZERO,
            attempts: if failed { 2 } else { 1 },
            attempts_made: Vec::new(),
            topped_up: 0,
            tags: Vec::new(),
            odd_usage: false,
            limits: Vec::new(),
            duration_ms: u32::try_from(300 + call * 17 % 1_400).unwrap_or(0),
            first_token_ms: stream.then(|| u32::try_from(90 + call * 7 % 240).unwrap_or(0)),
            gateway_id: self.gateway_id,
            config_version: 1,
            way: None,
            shadow: None,
            residency: None,
        }
    }
}
