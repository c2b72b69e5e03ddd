//! A usage event's JSON, written by hand: a gateway writes one for every call, and a general
//! serialiser takes five times as long over it. What must stay true: reading it gives the event.

use super::{Outcome, Tokens, UsageEvent};
use crate::Timestamp;
use chrono::{Datelike as _, Timelike as _};

impl UsageEvent {
    /// Appends the event's JSON. Counts of tokens that are zero are left out, as are all fields
    /// that are absent.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        // Without `..`, so that a new field cannot be forgotten here.
        let Self {
            request_id,
            at,
            org_id,
            team_id,
            app_id,
            key_id,
            subscription_id,
            product_id,
            plan_id,
            model_id,
            deployment_id,
            provider_id,
            operation,
            stream,
            outcome,
            status,
            error_code,
            tokens,
            estimated,
            price_id,
            cost_nanos,
            reserved_nanos,
            attempts,
            duration_ms,
            first_token_ms,
            gateway_id,
            config_version,
        } = self;
        macro_rules! ids {
            ($($id:ident)*) => {$(
                name(out, stringify!($id));
                out.push(b'"');
                $id.write_to(out);
                out.push(b'"');
            )*};
        }
        macro_rules! numbers {
            ($($number:ident = $value:expr;)*) => {$(
                name(out, stringify!($number));
                number(out, $value.into());
            )*};
        }
        out.push(b'{');
        ids!(request_id org_id team_id app_id key_id subscription_id product_id plan_id);
        ids!(model_id price_id gateway_id);
        if let Some(deployment_id) = deployment_id {
            ids!(deployment_id);
        }
        if let Some(provider_id) = provider_id {
            ids!(provider_id);
        }
        name(out, "at");
        instant(out, *at);
        word(out, "operation", operation.as_str());
        word(out, "outcome", outcome.as_str());
        flag(out, "stream", *stream);
        flag(out, "estimated", *estimated);
        numbers! {
            status = *status;
            attempts = *attempts;
            duration_ms = *duration_ms;
            config_version = *config_version;
            cost_nanos = cost_nanos.0;
            reserved_nanos = reserved_nanos.0;
        }
        if let Some(first_token_ms) = first_token_ms {
            numbers!(first_token_ms = *first_token_ms;);
        }
        if let Some(code) = error_code {
            name(out, "error_code");
            // The one text that is not known to need no escapes.
            out.extend_from_slice(serde_json::Value::from(code.as_str()).to_string().as_bytes());
        }
        name(out, "tokens");
        tokens.write_json(out);
        out.push(b'}');
    }
}

impl Outcome {
    /// As it is in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamCut => "upstream_cut",
            Self::ClientGone => "client_gone",
        }
    }
}

impl Tokens {
    fn write_json(&self, out: &mut Vec<u8>) {
        let Self {
            input,
            cached_input,
            cache_write,
            audio_input,
            image_input,
            output,
            reasoning,
            audio_output,
        } = *self;
        out.push(b'{');
        for (class, count) in [
            ("input", input),
            ("cached_input", cached_input),
            ("cache_write", cache_write),
            ("audio_input", audio_input),
            ("image_input", image_input),
            ("output", output),
            ("reasoning", reasoning),
            ("audio_output", audio_output),
        ] {
            if count > 0 {
                name(out, class);
                number(out, count.into());
            }
        }
        out.push(b'}');
    }
}

/// A member's name, and the comma before it unless it is the first.
fn name(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A text that needs no escapes.
fn word(out: &mut Vec<u8>, called: &str, text: &str) {
    name(out, called);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn flag(out: &mut Vec<u8>, called: &str, on: bool) {
    name(out, called);
    out.extend_from_slice(if on { b"true" } else { b"false" });
}

fn number(out: &mut Vec<u8>, number: i128) {
    if number < 0 {
        out.push(b'-');
    }
    // Every field is at most 64 bits wide.
    digits(out, u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX), 1);
}

/// Decimal digits, at least `width` of them.
fn digits(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut text = [b'0'; 20];
    let mut used = 0;
    for slot in text.iter_mut().rev() {
        if number == 0 && used >= width {
            break;
        }
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        used += 1;
    }
    out.extend_from_slice(text.get(text.len() - used..).unwrap_or_default());
}

/// RFC 3339 to the nanosecond.
fn instant(out: &mut Vec<u8>, at: Timestamp) {
    let Ok(year) = u16::try_from(at.year()) else {
        // Years before Christ are for a general serialiser.
        out.extend_from_slice(serde_json::json!(at).to_string().as_bytes());
        return;
    };
    out.push(b'"');
    digits(out, year.into(), 4);
    for (before, part) in [
        (b'-', at.month()),
        (b'-', at.day()),
        (b'T', at.hour()),
        (b':', at.minute()),
        (b':', at.second()),
    ] {
        out.push(before);
        digits(out, part.into(), 2);
    }
    out.push(b'.');
    digits(out, at.nanosecond().into(), 9);
    out.extend_from_slice(b"Z\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{
        AppId, DeploymentId, GatewayId, KeyId, ModelId, OrgId, PlanId, PriceId, ProductId,
        ProviderId, RequestId, SubscriptionId, TeamId,
    };
    use crate::money::Nanos;
    use crate::usage::Operation;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_event_it_was(
            seconds in -60_000_000_000_i64..250_000_000_000, nanos in 0..1_000_000_000_u32,
            n in any::<[u8; 10]>(), counts in any::<[u64; 8]>(), few in any::<bool>(),
            money in any::<(i64, i64)>(), small in any::<(u16, u16, u32, u64)>(),
            code in proptest::option::of(".*"), first in proptest::option::of(any::<u32>()),
            flags in any::<(bool, bool, bool)>(),
        ) {
            let at = Timestamp::from_timestamp(seconds, nanos).unwrap();
            let [input, cached_input, cache_write, audio_input, image_input, output, reasoning, audio_output] =
                if few { [0; 8] } else { counts };
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
                status: small.0, error_code: code,
                tokens: Tokens { input, cached_input, cache_write, audio_input, image_input, output, reasoning, audio_output },
                estimated: flags.1, price_id: PriceId::new(at, &n),
                cost_nanos: Nanos(money.0), reserved_nanos: Nanos(money.1), attempts: small.1,
                duration_ms: small.2, first_token_ms: first, gateway_id: GatewayId::new(at, &n),
                config_version: small.3,
            };
            let mut out = Vec::new();
            event.write_json(&mut out);
            prop_assert_eq!(serde_json::from_slice::<UsageEvent>(&out).unwrap(), event);
        }
    }

    #[test]
    fn an_outcome_is_called_as_the_serialiser_calls_it() {
        for outcome in
            [Outcome::Ok, Outcome::UpstreamError, Outcome::UpstreamCut, Outcome::ClientGone]
        {
            assert_eq!(serde_json::json!(outcome), outcome.as_str());
        }
    }
}
