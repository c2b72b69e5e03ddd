//! The JSON of an intent and of a usage event, written by hand: a gateway writes both for every
//! call, and a general serialiser takes five times as long over it. What must stay true: reading
//! it gives what was written.

use super::{
    AttemptUse, Cached, LimitTouched, Outcome, Residency, Routed, ShadowOf, Tokens, Units,
    UsageEvent, UsageIntent,
};
use crate::Timestamp;
use crate::money::Nanos;
use crate::snapshot::{Tag, WHOLE};
use chrono::{Datelike as _, Timelike as _};

/// Members by the names of their fields. What stands before a value is one text, made when this is
/// compiled. `ids` end what the text before them began: they leave their last quote open.
macro_rules! ids {
    ($out:expr, $($id:ident)*) => {$(
        $out.extend_from_slice(concat!("\",\"", stringify!($id), "\":\"").as_bytes());
        $id.write_to($out);
    )*};
}
/// Words that need no escapes.
macro_rules! words {
    ($out:expr, $($word:ident)*) => {$(
        $out.extend_from_slice(concat!(",\"", stringify!($word), "\":\"").as_bytes());
        $out.extend_from_slice($word.as_str().as_bytes());
        $out.push(b'"');
    )*};
}
macro_rules! flags {
    ($out:expr, $($flag:ident)*) => {$(
        $out.extend_from_slice(concat!(",\"", stringify!($flag), "\":").as_bytes());
        $out.extend_from_slice(if *$flag { b"true" } else { b"false" });
    )*};
}
macro_rules! numbers {
    ($out:expr, $($number:ident)*) => {$(
        $out.extend_from_slice(concat!(",\"", stringify!($number), "\":").as_bytes());
        number($out, (*$number).into());
    )*};
}

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
            units,
            estimated,
            price_id,
            cost_nanos,
            cached,
            price_percent,
            reserved_nanos,
            attempts,
            attempts_made,
            topped_up,
            tags,
            odd_usage,
            limits,
            duration_ms,
            first_token_ms,
            gateway_id,
            config_version,
            way,
            shadow,
            residency,
        } = self;
        // Room for any event whose error has no long name, so that no piece of it moves the rest.
        out.reserve(1_024);
        out.extend_from_slice(b"{\"request_id\":\"");
        request_id.write_to(out);
        ids!(out, org_id team_id app_id key_id subscription_id product_id plan_id);
        ids!(out, model_id price_id gateway_id);
        if let Some(deployment_id) = deployment_id {
            ids!(out, deployment_id);
        }
        if let Some(provider_id) = provider_id {
            ids!(out, provider_id);
        }
        out.extend_from_slice(b"\",\"at\":");
        instant(out, *at);
        words!(out, operation outcome);
        flags!(out, stream estimated);
        numbers!(out, status attempts duration_ms config_version);
        if let Some(first_token_ms) = first_token_ms {
            numbers!(out, first_token_ms);
        }
        money(out, b",\"cost_nanos\":", *cost_nanos);
        money(out, b",\"reserved_nanos\":", *reserved_nanos);
        given(out, *cached, *price_percent);
        if let Some(code) = error_code {
            out.extend_from_slice(b",\"error_code\":");
            text(out, code);
        }
        if *topped_up > 0 {
            numbers!(out, topped_up);
        }
        if *odd_usage {
            flags!(out, odd_usage);
        }
        list(out, b",\"tags\":", tags, tag);
        list(out, b",\"limits\":", limits, LimitTouched::write_json);
        list(out, b",\"attempts_made\":", attempts_made, AttemptUse::write_json);
        led(out, way.as_ref(), *shadow, residency.as_ref());
        used(out, tokens, units);
        out.push(b'}');
    }
}

/// How it came to where it was answered.
fn led(
    out: &mut Vec<u8>,
    way: Option<&Routed>,
    shadow: Option<ShadowOf>,
    residency: Option<&Residency>,
) {
    if let Some(way) = way {
        routed(out, way);
    }
    if let Some(shadow) = shadow {
        shadow_of(out, shadow);
    }
    if let Some(residency) = residency {
        resident(out, residency);
    }
}

fn routed(out: &mut Vec<u8>, Routed { route_id, number, rule, part }: &Routed) {
    out.extend_from_slice(b",\"way\":{\"route_id\":\"");
    route_id.write_to(out);
    out.push(b'"');
    numbers!(out, number);
    out.extend_from_slice(b",\"rule\":");
    text(out, rule);
    if let Some(part) = part {
        out.extend_from_slice(b",\"part\":");
        text(out, part);
    }
    out.push(b'}');
}

fn shadow_of(out: &mut Vec<u8>, ShadowOf { request_id, on_platform }: ShadowOf) {
    out.extend_from_slice(b",\"shadow\":{\"request_id\":\"");
    request_id.write_to(out);
    out.push(b'"');
    let on_platform = &on_platform;
    flags!(out, on_platform);
    out.push(b'}');
}

fn resident(out: &mut Vec<u8>, Residency { allowed, region }: &Residency) {
    out.extend_from_slice(b",\"residency\":{\"allowed\":[");
    for (nth, one) in allowed.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        text(out, one);
    }
    out.push(b']');
    if let Some(region) = region {
        out.extend_from_slice(b",\"region\":");
        text(out, region);
    }
    out.push(b'}');
}

/// What a call that was given another's answer has beside.
fn given(out: &mut Vec<u8>, cached: Option<Cached>, price_percent: u8) {
    if let Some(cached) = &cached {
        words!(out, cached);
    }
    let price_percent = &price_percent;
    if *price_percent != WHOLE {
        numbers!(out, price_percent);
    }
}

fn used(out: &mut Vec<u8>, tokens: &Tokens, units: &Units) {
    out.extend_from_slice(b",\"tokens\":");
    tokens.write_json(out);
    if !units.is_zero() {
        out.extend_from_slice(b",\"units\":");
        units.write_json(out);
    }
}

impl UsageIntent {
    /// Appends the intent's JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
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
            operation,
            stream,
            price_id,
            reserved_nanos,
            gateway_id,
            config_version,
            tags,
            limits,
            shadow,
        } = self;
        out.reserve(768);
        out.extend_from_slice(b"{\"request_id\":\"");
        request_id.write_to(out);
        ids!(out, org_id team_id app_id key_id subscription_id product_id plan_id);
        ids!(out, model_id price_id gateway_id);
        out.extend_from_slice(b"\",\"at\":");
        instant(out, *at);
        words!(out, operation);
        flags!(out, stream);
        numbers!(out, config_version);
        money(out, b",\"reserved_nanos\":", *reserved_nanos);
        list(out, b",\"tags\":", tags, tag);
        list(out, b",\"limits\":", limits, LimitTouched::write_json);
        if let Some(shadow) = shadow {
            shadow_of(out, *shadow);
        }
        out.push(b'}');
    }
}

impl AttemptUse {
    fn write_json(&self, out: &mut Vec<u8>) {
        let Self {
            deployment_id,
            provider_id,
            status,
            outcome,
            tokens,
            units,
            reported,
            overtaken,
            compared,
        } = self;
        out.extend_from_slice(b"{\"deployment_id\":\"");
        deployment_id.write_to(out);
        ids!(out, provider_id);
        out.push(b'"');
        words!(out, outcome);
        flags!(out, reported);
        if *overtaken {
            flags!(out, overtaken);
        }
        if *compared {
            flags!(out, compared);
        }
        numbers!(out, status);
        used(out, tokens, units);
        out.push(b'}');
    }
}

impl LimitTouched {
    fn write_json(&self, out: &mut Vec<u8>) {
        let Self { limit_id, window_start, held, used } = *self;
        out.extend_from_slice(b"{\"limit_id\":\"");
        limit_id.write_to(out);
        signed(out, b"\",\"window_start\":", window_start);
        signed(out, b",\"held\":", held);
        signed(out, b",\"used\":", used);
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
            Self::BudgetExhausted => "budget_exhausted",
        }
    }
}

/// The members of an object of counts; those that are zero are left out.
macro_rules! counts {
    ($out:expr, $before:expr, $($class:ident)*) => {$(
        if $class > 0 {
            $out.push($before);
            $before = b',';
            $out.extend_from_slice(concat!("\"", stringify!($class), "\":").as_bytes());
            number($out, $class);
        }
    )*};
}

impl Tokens {
    fn write_json(&self, out: &mut Vec<u8>) {
        let Self {
            input,
            cached_input,
            cache_write,
            cache_write_1h,
            audio_input,
            image_input,
            output,
            reasoning,
            audio_output,
            image_output,
        } = *self;
        let mut before = b'{';
        counts!(out, before, input cached_input cache_write cache_write_1h audio_input);
        counts!(out, before, image_input output reasoning audio_output image_output);
        close(out, before);
    }
}

impl Units {
    fn write_json(&self, out: &mut Vec<u8>) {
        let Self { images, characters, audio_ms, searches, rows, compute_ms } = *self;
        let mut before = b'{';
        counts!(out, before, images characters audio_ms searches rows compute_ms);
        close(out, before);
    }
}

/// Ends an object of counts, which may have none.
fn close(out: &mut Vec<u8>, before: u8) {
    if before == b'{' {
        out.push(before);
    }
    out.push(b'}');
}

fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn money(out: &mut Vec<u8>, name: &[u8], amount: Nanos) {
    signed(out, name, amount.0);
}

/// A member whose name, with all that stands around it, is `name`.
fn signed(out: &mut Vec<u8>, name: &[u8], value: i64) {
    out.extend_from_slice(name);
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A list as a member called `name`; none where it is empty.
fn list<T>(out: &mut Vec<u8>, name: &[u8], items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    if items.is_empty() {
        return;
    }
    out.extend_from_slice(name);
    let mut before = b'[';
    for item in items {
        out.push(before);
        before = b',';
        write(item, out);
    }
    out.push(b']');
}

fn tag(tag: &Tag, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"name\":");
    text(out, &tag.name);
    out.extend_from_slice(b",\"value\":");
    text(out, &tag.value);
    out.push(b'}');
}

/// A text that is not known to need no escapes.
fn text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// Exactly `N` decimal digits.
fn padded<const N: usize>(mut number: u32) -> [u8; N] {
    let mut text = [b'0'; N];
    for slot in text.iter_mut().rev() {
        let [digit, ..] = (number % 10).to_le_bytes();
        *slot = b'0' + digit;
        number /= 10;
    }
    text
}

/// RFC 3339 to the nanosecond.
fn instant(out: &mut Vec<u8>, at: Timestamp) {
    let at = at.naive_utc();
    let Ok(year) = u16::try_from(at.year()) else {
        // Years before Christ are for a general serialiser.
        out.extend_from_slice(serde_json::json!(at.and_utc()).to_string().as_bytes());
        return;
    };
    let [y, year, r, s] = padded::<4>(year.into());
    let [month, m] = padded::<2>(at.month());
    let [day, d] = padded::<2>(at.day());
    let [hour, h] = padded::<2>(at.hour());
    let [minute, n] = padded::<2>(at.minute());
    let [second, c] = padded::<2>(at.second());
    out.extend_from_slice(&[
        b'"', y, year, r, s, b'-', month, m, b'-', day, d, b'T', hour, h, b':', minute, n, b':',
        second, c, b'.',
    ]);
    out.extend_from_slice(&padded::<9>(at.nanosecond()));
    out.extend_from_slice(b"Z\"");
}

#[cfg(test)]
mod tests;
