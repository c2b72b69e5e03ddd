//! Events on their way into `usage_events`: copied in binary into a temporary table of the
//! connection, which no wall binds, and inserted from there in one statement.
//!
//! What must stay true: [`COLUMNS`] and [`encode`] name the same columns in the same order.

use super::details::Details;
use super::event;
use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::snapshot::WHOLE;
use contract::usage::{Cached, Tokens, Units, UsageEvent};
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// The columns of `usage_events` that booking writes.
macro_rules! columns {
    () => {
        "request_id, at, org_id, team_id, app_id, key_id, subscription_id, product_id, plan_id, \
         model_id, deployment_id, provider_id, price_id, gateway_id, operation, outcome, error_code, \
         stream, estimated, status, attempts, duration_ms, first_token_ms, config_version, \
         cost_nanos, reserved_nanos, input_tokens, cached_input_tokens, cache_write_tokens, \
         audio_input_tokens, image_input_tokens, output_tokens, reasoning_tokens, \
         audio_output_tokens, cache_write_1h_tokens, image_output_tokens, images, characters, \
         audio_ms, searches, rows, compute_ms, cached, price_percent, tags, details, route_id, \
         route_number, route_rule, route_part, copy_of, ingested_at"
    };
}
const COLUMNS: i16 = 52;
const COPY: &str = concat!("copy pg_temp.arriving (", columns!(), ") from stdin (format binary)");
const INSERT: &str = concat!(
    "insert into usage_events (",
    columns!(),
    ") select ",
    columns!(),
    " from pg_temp.arriving on conflict do nothing returning request_id"
);

/// Where Postgres counts its microseconds from: 2000-01-01, in those of Unix.
const EPOCH_US: i64 = 946_684_800_000_000;

/// Inserts events, each of another call; what comes back are the calls that were not there.
///
/// # Errors
/// Postgres refused or cannot be reached.
pub async fn insert(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<HashSet<Uuid>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let is_new = sqlx::query_scalar::<_, bool>("select to_regclass('pg_temp.arriving') is null")
        .fetch_one(tx.conn())
        .await?;
    if is_new {
        sqlx::query("create temp table arriving (like usage_events) on commit delete rows")
            .execute(tx.conn())
            .await?;
    }
    let rows = encode(events, tx.now());
    let mut copy = tx.conn().copy_in_raw(COPY).await?;
    copy.send(rows).await?;
    copy.finish().await?;
    let fresh: Vec<Uuid> = sqlx::query_scalar(INSERT).fetch_all(tx.conn()).await?;
    Ok(fresh.into_iter().collect())
}

/// Rows in Postgres's binary COPY format.
fn encode(events: &[&UsageEvent], now: Timestamp) -> Vec<u8> {
    let mut out = Out(Vec::with_capacity(64 + events.len() * 700));
    out.0.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
    // No flags, no extension.
    out.0.extend_from_slice(&[0; 8]);
    for event in events {
        out.0.extend_from_slice(&COLUMNS.to_be_bytes());
        row(&mut out, event, now);
    }
    out.0.extend_from_slice(&(-1_i16).to_be_bytes());
    out.0
}

fn row(out: &mut Out, event: &UsageEvent, now: Timestamp) {
    out.uuid(event.request_id.0);
    out.instant(event::instant(event));
    out.uuid(event.org_id.0);
    out.uuid(event.team_id.0);
    out.uuid(event.app_id.0);
    out.uuid(event.key_id.0);
    out.uuid(event.subscription_id.0);
    out.uuid(event.product_id.0);
    out.uuid(event.plan_id.0);
    out.uuid(event.model_id.0);
    out.or_null(event.deployment_id.map(|id| id.0), Out::uuid);
    out.or_null(event.provider_id.map(|id| id.0), Out::uuid);
    out.uuid(event.price_id.0);
    out.uuid(event.gateway_id.0);
    out.text(event.operation.as_str());
    out.text(event.outcome.as_str());
    out.or_null(event.error_code.as_deref(), Out::text);
    out.flag(event.stream);
    out.flag(event.estimated);
    out.int(i32::from(event.status));
    out.int(i32::from(event.attempts));
    out.count(u64::from(event.duration_ms));
    out.or_null(event.first_token_ms.map(u64::from), Out::count);
    out.count(event.config_version);
    out.bigint(event.cost_nanos.0);
    out.bigint(event.reserved_nanos.0);
    counts(out, event.tokens, event.units);
    out.or_null(event.cached.map(Cached::as_str), Out::text);
    let part = i16::from(event.price_percent);
    out.or_null((event.price_percent < WHOLE).then_some(part), Out::small);
    out.or_null(json((!event.tags.is_empty()).then_some(&event.tags)), Out::jsonb);
    out.or_null(json(Details::of(event).as_ref()).as_deref(), Out::text);
    let way = event.way.as_ref();
    out.or_null(way.map(|way| way.route_id.0), Out::uuid);
    let number = way.map(|way| i32::try_from(way.number).unwrap_or(i32::MAX));
    out.or_null(number, Out::int);
    out.or_null(way.map(|way| way.rule.as_str()), Out::text);
    out.or_null(way.and_then(|way| way.part.as_deref()), Out::text);
    out.or_null(event.shadow.map(|shadow| shadow.request_id.0), Out::uuid);
    out.instant(now);
}

fn counts(out: &mut Out, tokens: Tokens, units: Units) {
    out.count(tokens.input);
    out.count(tokens.cached_input);
    out.count(tokens.cache_write);
    out.count(tokens.audio_input);
    out.count(tokens.image_input);
    out.count(tokens.output);
    out.count(tokens.reasoning);
    out.count(tokens.audio_output);
    // Null is zero.
    for count in [
        tokens.cache_write_1h,
        tokens.image_output,
        units.images,
        units.characters,
        units.audio_ms,
        units.searches,
        units.rows,
        units.compute_ms,
    ] {
        out.or_null((count > 0).then_some(count), Out::count);
    }
}

/// A value as JSON, where there is one.
fn json<T: Serialize>(value: Option<&T>) -> Option<String> {
    value.and_then(|value| serde_json::to_string(value).ok())
}

/// Fields, each its length and then its bytes.
struct Out(Vec<u8>);

impl Out {
    fn field(&mut self, bytes: &[u8]) {
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn or_null<T>(&mut self, value: Option<T>, write: fn(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.0.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }

    fn uuid(&mut self, value: Uuid) {
        self.field(value.as_bytes());
    }

    fn text(&mut self, value: &str) {
        self.field(value.as_bytes());
    }

    /// Its version, 1, goes before the text.
    fn jsonb(&mut self, value: String) {
        self.field(format!("\u{1}{value}").as_bytes());
    }

    fn flag(&mut self, value: bool) {
        self.field(&[u8::from(value)]);
    }

    fn int(&mut self, value: i32) {
        self.field(&value.to_be_bytes());
    }

    fn small(&mut self, value: i16) {
        self.field(&value.to_be_bytes());
    }

    fn bigint(&mut self, value: i64) {
        self.field(&value.to_be_bytes());
    }

    fn count(&mut self, value: u64) {
        self.bigint(i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn instant(&mut self, value: Timestamp) {
        self.bigint(value.timestamp_micros().saturating_sub(EPOCH_US));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_columns_are_named_as_each_row_has() {
        assert_eq!(columns!().split(',').count(), usize::try_from(COLUMNS).unwrap());
        let event = super::event::tests::event();
        let bytes = encode(&[&event], event.at);
        let mut rest = &bytes[19..];
        assert_eq!(rest[..2], COLUMNS.to_be_bytes());
        rest = &rest[2..];
        for _ in 0..COLUMNS {
            let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
            rest = &rest[4 + usize::try_from(length.max(0)).unwrap()..];
        }
        assert_eq!(rest, [0xff, 0xff]);
    }
}
