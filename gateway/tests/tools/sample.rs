//! A call as the spool gets it, for the tests of it and the bench.

use contract::Timestamp;
use contract::id::{GatewayId, PriceId, ProductId, RequestId};
use contract::money::Nanos;
use contract::usage::{Operation, Outcome, Tokens, Units, UsageEvent, UsageIntent};
use gateway::reserve::Caller;
use uuid::Uuid;

pub fn event(request_id: RequestId, who: &Caller<'_>) -> UsageEvent {
    let id = |n: u128| Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n);
    UsageEvent {
        request_id,
        // 2026-01-01T00:00:00Z
        at: Timestamp::from_timestamp(1_767_225_600, 0).unwrap(),
        org_id: who.org_id,
        team_id: who.team_id,
        app_id: who.app_id,
        key_id: who.key_id,
        subscription_id: who.subscription_id,
        product_id: ProductId(id(12)),
        plan_id: who.plan_id,
        model_id: who.model_id,
        deployment_id: None,
        provider_id: None,
        operation: Operation::Chat,
        stream: false,
        outcome: Outcome::Ok,
        status: 200,
        error_code: None,
        tokens: Tokens { input: 10, output: 20, ..Tokens::default() },
        units: Units::default(),
        estimated: false,
        price_id: PriceId(id(14)),
        cost_nanos: Nanos(30),
        cached: None,
        price_percent: 100,
        reserved_nanos: Nanos(100),
        attempts: 1,
        attempts_made: Vec::new(),
        topped_up: 0,
        tags: Vec::new(),
        odd_usage: false,
        limits: Vec::new(),
        duration_ms: 5,
        first_token_ms: None,
        gateway_id: GatewayId(id(99)),
        config_version: 1,
        way: None,
        shadow: None,
        residency: None,
    }
}

/// That the call of an event begins.
pub fn intent(event: &UsageEvent) -> UsageIntent {
    UsageIntent {
        request_id: event.request_id,
        at: event.at,
        org_id: event.org_id,
        team_id: event.team_id,
        app_id: event.app_id,
        key_id: event.key_id,
        subscription_id: event.subscription_id,
        product_id: event.product_id,
        plan_id: event.plan_id,
        model_id: event.model_id,
        operation: event.operation,
        stream: event.stream,
        price_id: event.price_id,
        reserved_nanos: event.reserved_nanos,
        gateway_id: event.gateway_id,
        config_version: event.config_version,
        tags: Vec::new(),
        limits: Vec::new(),
        shadow: None,
    }
}
