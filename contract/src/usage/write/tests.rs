use super::*;
use crate::id::{
    AppId, DeploymentId, GatewayId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId,
    ProviderId, RequestId, RouteId, SubscriptionId, TeamId,
};
use crate::usage::Operation;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_written_reads_as_the_event_it_was(
        seconds in -60_000_000_000_i64..250_000_000_000, nanos in 0..1_000_000_000_u32,
        n in any::<[u8; 10]>(), counts in any::<[u64; 16]>(), few in any::<bool>(),
        money in any::<(i64, i64)>(), small in any::<(u16, u16, u32, u64)>(),
        code in proptest::option::of(".*"), first in proptest::option::of(any::<u32>()),
        flags in any::<(bool, bool, bool)>(), lists in (0..3_usize, 0..3_usize, 0..3_usize),
        touched in any::<(i64, i64, i64)>(), tag in (".*", ".*"), topped_up in any::<u16>(),
        price_percent in 0..=100_u8, words in (".*", ".*", ".*"),
    ) {
        let at = Timestamp::from_timestamp(seconds, nanos).unwrap();
        let [
            input, cached_input, cache_write, cache_write_1h, audio_input, image_input, output,
            reasoning, audio_output, image_output, images, characters, audio_ms, searches,
            rows, compute_ms,
        ] = if few { [0; 16] } else { counts };
        let tokens = Tokens {
            input, cached_input, cache_write, cache_write_1h, audio_input, image_input,
            output, reasoning, audio_output, image_output,
        };
        let units = Units { images, characters, audio_ms, searches, rows, compute_ms };
        let tags = vec![Tag { name: tag.0, value: tag.1 }; lists.0];
        let limits = vec![LimitTouched {
            limit_id: LimitId::new(at, &n), window_start: touched.0, held: touched.1,
            used: touched.2,
        }; lists.1];
        let failed = AttemptUse {
            deployment_id: DeploymentId::new(at, &n), provider_id: ProviderId::new(at, &n),
            status: small.0, outcome: Outcome::UpstreamError, tokens, units, reported: flags.1,
            overtaken: flags.2, compared: flags.0,
        };
        let way = Routed {
            route_id: RouteId::new(at, &n), number: small.2, rule: words.0,
            part: flags.1.then_some(words.1),
        };
        let shadow = ShadowOf { request_id: RequestId::new(at, &n), on_platform: flags.2 };
        let residency = Residency {
            allowed: vec![words.2.clone(); lists.1], region: flags.1.then_some(words.2),
        };
        let intent = UsageIntent {
            request_id: RequestId::new(at, &n), at,
            org_id: OrgId::new(at, &n), team_id: TeamId::new(at, &n), app_id: AppId::new(at, &n),
            key_id: KeyId::new(at, &n), subscription_id: SubscriptionId::new(at, &n),
            product_id: ProductId::new(at, &n), plan_id: PlanId::new(at, &n),
            model_id: ModelId::new(at, &n), operation: Operation::Rerank, stream: flags.0,
            price_id: PriceId::new(at, &n), reserved_nanos: Nanos(money.1),
            gateway_id: GatewayId::new(at, &n), config_version: small.3,
            tags: tags.clone(), limits: limits.clone(),
            shadow: flags.0.then_some(shadow),
        };
        let mut out = Vec::new();
        intent.write_json(&mut out);
        prop_assert_eq!(serde_json::from_slice::<UsageIntent>(&out).unwrap(), intent);
        let event = UsageEvent {
            request_id: RequestId::new(at, &n), at,
            org_id: OrgId::new(at, &n), team_id: TeamId::new(at, &n), app_id: AppId::new(at, &n),
            key_id: KeyId::new(at, &n), subscription_id: SubscriptionId::new(at, &n),
            product_id: ProductId::new(at, &n), plan_id: PlanId::new(at, &n),
            model_id: ModelId::new(at, &n),
            deployment_id: flags.2.then(|| DeploymentId::new(at, &n)),
            provider_id: flags.2.then(|| ProviderId::new(at, &n)),
            operation: if flags.0 { Operation::Chat } else { Operation::Embeddings },
            stream: flags.0, outcome: if few { Outcome::ClientGone } else { Outcome::UpstreamCut },
            status: small.0, error_code: code, tokens, units, tags, limits, topped_up, price_percent,
            cached: flags.1.then_some(if few { Cached::Exact } else { Cached::Coalesced }),
            attempts_made: vec![failed; lists.2], odd_usage: flags.2,
            estimated: flags.1, price_id: PriceId::new(at, &n),
            cost_nanos: Nanos(money.0), reserved_nanos: Nanos(money.1), attempts: small.1,
            duration_ms: small.2, first_token_ms: first, gateway_id: GatewayId::new(at, &n),
            config_version: small.3, way: flags.1.then_some(way),
            shadow: flags.0.then_some(shadow), residency: flags.2.then_some(residency),
        };
        let mut out = Vec::new();
        event.write_json(&mut out);
        prop_assert_eq!(serde_json::from_slice::<UsageEvent>(&out).unwrap(), event);
    }
}

#[test]
fn an_outcome_is_called_as_the_serialiser_calls_it() {
    for outcome in [
        Outcome::Ok,
        Outcome::UpstreamError,
        Outcome::UpstreamCut,
        Outcome::ClientGone,
        Outcome::BudgetExhausted,
    ] {
        assert_eq!(serde_json::json!(outcome), outcome.as_str());
    }
}
