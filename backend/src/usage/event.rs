//! Whether an event can be booked.

use chrono::TimeDelta;
use contract::Timestamp;
use contract::id::{ModelId, PlanId};
use contract::money::{Nanos, Rates};
use contract::snapshot::WHOLE;
use contract::usage::{Tokens, Units, Unsettled, UsageEvent};

/// How far ahead of ours a gateway's clock may be.
const AHEAD_MAX: TimeDelta = TimeDelta::hours(1);
/// How late an event may come: a gateway cut off for a year still delivers.
const LATE_MAX: TimeDelta = TimeDelta::days(400);
/// The most that one call uses of anything. Beyond is a provider's mistake, and sums of many such
/// calls would fit no column.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// The most that is reserved for one call: a billion dollars.
const RESERVED_MAX: Nanos = Nanos(1_000_000_000_000_000_000);

/// A price as far as booking needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceOf {
    pub model_id: ModelId,
    pub plan_id: Option<PlanId>,
    pub rates: Rates,
}

/// Why an event is not booked. The text is for the person who looks at the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("not a usage event: {0}")]
    Unreadable(String),
    #[error("the call is said to have been at {at}, more than an hour from now or 400 days ago")]
    Instant { at: Timestamp },
    #[error("the call is said to have been at {at}, its id is of another instant")]
    InstantOfOtherCall { at: Timestamp },
    #[error("`{field}` does not fit: {value}")]
    Range { field: &'static str, value: String },
    #[error("there is no price {0}")]
    PriceUnknown(String),
    #[error("the price is of model {of}, the call was to model {called}")]
    PriceOfOtherModel { of: ModelId, called: ModelId },
    #[error("the price is of another plan than the call's")]
    PriceOfOtherPlan,
    #[error("the cost is said to be {said} nano-dollars; what was used and the price make {due}")]
    Cost { said: i64, due: i64 },
    #[error("there is no organisation {0}")]
    OrgUnknown(String),
    #[error("{0} is not of the organisation that is said to have called")]
    OfOtherOrg(String),
    #[error("there is no plan {0}")]
    PlanUnknown(String),
    #[error("the call was booked already, at another cost")]
    Contradicts,
    #[error("there is no such organisation, plan or price")]
    Foreign,
    #[error("the database refuses it: {0}")]
    Database(String),
}

/// What an entry tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Event(Box<UsageEvent>),
    /// A call that began, and of whose end its gateway has not told.
    Unsettled(Box<Unsettled>),
}

impl Told {
    /// Checks what needs no table.
    ///
    /// # Errors
    /// As [`check`].
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        match self {
            Self::Event(event) => check(event, now),
            Self::Unsettled(call) => check_unsettled(call, now),
        }
    }
}

/// Reads an entry's body.
///
/// # Errors
/// It is neither a usage event nor a call without one.
pub fn read(body: Option<&str>) -> Result<Told, Refusal> {
    let text = body.ok_or_else(|| Refusal::Unreadable("no text in field `e` or `i`".into()))?;
    match serde_json::from_str(text) {
        Ok(event) => Ok(Told::Event(Box::new(event))),
        Err(error) => serde_json::from_str(text)
            .map(|call| Told::Unsettled(Box::new(call)))
            .map_err(|_| Refusal::Unreadable(error.to_string())),
    }
}

fn check_unsettled(call: &Unsettled, now: Timestamp) -> Result<(), Refusal> {
    let intent = &call.intent;
    if intent.at > now + AHEAD_MAX || intent.at < now - LATE_MAX {
        return Err(Refusal::Instant { at: intent.at });
    }
    if intent.reserved_nanos < Nanos::ZERO || intent.reserved_nanos > RESERVED_MAX {
        let value = intent.reserved_nanos.0.to_string();
        return Err(Refusal::Range { field: "reserved_nanos", value });
    }
    if i64::try_from(intent.config_version).is_err() {
        let value = intent.config_version.to_string();
        return Err(Refusal::Range { field: "config_version", value });
    }
    Ok(())
}

/// When the call was, as far as its row knows: the millisecond in its id, so that whoever tells of
/// the call again tells of the same row.
#[must_use]
pub fn instant(event: &UsageEvent) -> Timestamp {
    event.request_id.instant().unwrap_or(event.at)
}

/// Checks what needs no table.
///
/// # Errors
/// The event lies about time, or holds a number that no column takes.
pub fn check(event: &UsageEvent, now: Timestamp) -> Result<(), Refusal> {
    if event.at > now + AHEAD_MAX || event.at < now - LATE_MAX {
        return Err(Refusal::Instant { at: event.at });
    }
    let told = event.request_id.instant().map(|at| at.timestamp_millis());
    if told != Some(event.at.timestamp_millis()) {
        return Err(Refusal::InstantOfOtherCall { at: event.at });
    }
    if !(100..=599).contains(&event.status) {
        return Err(Refusal::Range { field: "status", value: event.status.to_string() });
    }
    let percent = event.price_percent;
    let is_free = event.shadow.is_some_and(|shadow| shadow.on_platform);
    let is_part = percent < WHOLE && event.cached.is_none();
    if percent > WHOLE || (is_part && !is_free) || (is_free && percent > 0) {
        return Err(Refusal::Range { field: "price_percent", value: percent.to_string() });
    }
    check_counts(&event.tokens, &event.units)?;
    if event.cost_nanos < Nanos::ZERO || event.reserved_nanos < Nanos::ZERO {
        return Err(Refusal::Range { field: "cost_nanos", value: event.cost_nanos.0.to_string() });
    }
    if i64::try_from(event.config_version).is_err() {
        let value = event.config_version.to_string();
        return Err(Refusal::Range { field: "config_version", value });
    }
    if event.error_code.as_ref().is_some_and(|code| code.len() > 100 || code.contains('\0')) {
        return Err(Refusal::Range { field: "error_code", value: "longer than 100".into() });
    }
    Ok(())
}

fn check_counts(tokens: &Tokens, units: &Units) -> Result<(), Refusal> {
    let Units { images, characters, audio_ms, searches, rows, compute_ms } = *units;
    let counts = [
        ("tokens", tokens.total()),
        ("images", images),
        ("characters", characters),
        ("audio_ms", audio_ms),
        ("searches", searches),
        ("rows", rows),
        ("compute_ms", compute_ms),
    ];
    match counts.into_iter().find(|(_, count)| *count > COUNT_MAX) {
        Some((field, count)) => Err(Refusal::Range { field, value: count.to_string() }),
        None => Ok(()),
    }
}

/// Rates the event again.
///
/// # Errors
/// The price is not the call's, or the cost is not what was used makes under it.
pub fn rate(event: &UsageEvent, price: Option<&PriceOf>) -> Result<(), Refusal> {
    let price = price.ok_or_else(|| Refusal::PriceUnknown(event.price_id.to_string()))?;
    if price.model_id != event.model_id {
        return Err(Refusal::PriceOfOtherModel { of: price.model_id, called: event.model_id });
    }
    if price.plan_id.is_some_and(|plan| plan != event.plan_id) {
        return Err(Refusal::PriceOfOtherPlan);
    }
    let due = event.cost_under(&price.rates);
    if due != event.cost_nanos {
        return Err(Refusal::Cost { said: event.cost_nanos.0, due: due.0 });
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use contract::id::{
        AppId, GatewayId, KeyId, OrgId, PriceId, ProductId, RequestId, SubscriptionId, TeamId,
    };
    use contract::usage::{Cached, Operation, Outcome, ShadowOf};
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn price() -> PriceOf {
        PriceOf {
            model_id: ModelId(Uuid::from_u128(7)),
            plan_id: None,
            rates: Rates { input: Nanos(1_000_000), output: Nanos(2_000_000), ..Rates::default() },
        }
    }

    const COPY: ShadowOf = ShadowOf { request_id: RequestId(Uuid::nil()), on_platform: true };

    pub fn event() -> UsageEvent {
        UsageEvent {
            request_id: RequestId::new(at(1_000_000), &[1; 10]),
            at: at(1_000_000),
            org_id: OrgId(Uuid::nil()),
            team_id: TeamId(Uuid::nil()),
            app_id: AppId(Uuid::nil()),
            key_id: KeyId(Uuid::nil()),
            subscription_id: SubscriptionId(Uuid::nil()),
            product_id: ProductId(Uuid::nil()),
            plan_id: PlanId(Uuid::nil()),
            model_id: ModelId(Uuid::from_u128(7)),
            deployment_id: None,
            provider_id: None,
            operation: Operation::Chat,
            stream: false,
            outcome: Outcome::Ok,
            status: 200,
            error_code: None,
            tokens: Tokens { input: 3, output: 5, ..Tokens::default() },
            units: Units::default(),
            estimated: false,
            price_id: PriceId(Uuid::nil()),
            cost_nanos: Nanos(13),
            cached: None,
            price_percent: 100,
            reserved_nanos: Nanos(0),
            attempts: 1,
            attempts_made: Vec::new(),
            topped_up: 0,
            tags: Vec::new(),
            odd_usage: false,
            limits: Vec::new(),
            duration_ms: 1,
            first_token_ms: None,
            gateway_id: GatewayId(Uuid::nil()),
            config_version: 1,
            way: None,
            shadow: None,
            residency: None,
        }
    }

    #[test]
    fn an_event_is_booked_only_at_what_was_used_costs() {
        assert_eq!(rate(&event(), Some(&price())), Ok(()));
        let dear = UsageEvent { cost_nanos: Nanos(14), ..event() };
        assert_eq!(rate(&dear, Some(&price())), Err(Refusal::Cost { said: 14, due: 13 }));
        let part = |cost_nanos| UsageEvent {
            cached: Some(Cached::Coalesced),
            price_percent: 50,
            cost_nanos: Nanos(cost_nanos),
            ..event()
        };
        assert_eq!(rate(&part(7), Some(&price())), Ok(()));
        assert_eq!(rate(&part(13), Some(&price())), Err(Refusal::Cost { said: 13, due: 7 }));
        assert!(matches!(rate(&event(), None), Err(Refusal::PriceUnknown(_))));
        let other = PriceOf { model_id: ModelId(Uuid::from_u128(8)), ..price() };
        assert!(matches!(rate(&event(), Some(&other)), Err(Refusal::PriceOfOtherModel { .. })));
        let plan = PriceOf { plan_id: Some(PlanId(Uuid::from_u128(9))), ..price() };
        assert_eq!(rate(&event(), Some(&plan)), Err(Refusal::PriceOfOtherPlan));
    }

    #[test]
    fn an_event_from_another_time_or_with_numbers_no_column_takes_is_refused() {
        let now = at(1_000_000);
        assert_eq!(check(&event(), now), Ok(()));
        let copy = UsageEvent { shadow: Some(COPY), price_percent: 0, ..event() };
        assert_eq!(check(&copy, now), Ok(()));
        for bad in [
            UsageEvent { at: now + TimeDelta::hours(2), ..event() },
            UsageEvent { at: now - TimeDelta::days(401), ..event() },
            UsageEvent { at: now + TimeDelta::milliseconds(1), ..event() },
            UsageEvent { request_id: RequestId(Uuid::from_u128(1)), ..event() },
            UsageEvent { status: 0, ..event() },
            UsageEvent { price_percent: 99, ..event() },
            UsageEvent { shadow: Some(COPY), ..event() },
            UsageEvent { price_percent: 101, cached: Some(Cached::Exact), ..event() },
            UsageEvent { tokens: Tokens { input: u64::MAX, ..Tokens::default() }, ..event() },
            UsageEvent { tokens: Tokens { input: 1 << 40, ..Tokens::default() }, ..event() },
            UsageEvent { units: Units { images: 1 << 40, ..Units::default() }, ..event() },
            UsageEvent { units: Units { characters: u64::MAX, ..Units::default() }, ..event() },
            UsageEvent { units: Units { audio_ms: u64::MAX, ..Units::default() }, ..event() },
            UsageEvent { units: Units { searches: u64::MAX, ..Units::default() }, ..event() },
            UsageEvent { units: Units { rows: u64::MAX, ..Units::default() }, ..event() },
            UsageEvent { units: Units { compute_ms: u64::MAX, ..Units::default() }, ..event() },
            UsageEvent { cost_nanos: Nanos(-1), ..event() },
            UsageEvent { config_version: u64::MAX, ..event() },
        ] {
            assert!(check(&bad, now).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_an_event_says_why() {
        assert!(matches!(read(None), Err(Refusal::Unreadable(_))));
        assert!(matches!(read(Some("{}")), Err(Refusal::Unreadable(_))));
        let text = serde_json::to_string(&event()).unwrap();
        assert_eq!(read(Some(&text)).unwrap(), Told::Event(Box::new(event())));
    }
}
