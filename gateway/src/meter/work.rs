//! How long a pool's replica worked on a call, which is what its processors cost: as the server tells
//! it, but never more than was waited for it; else what was waited since the call was sent there.

use super::Meter;
use contract::snapshot::ReplicaServer;
use http::{HeaderMap, HeaderName};

/// llama.cpp's server tells its timings at the end of an answer: so much of that is looked at.
const TAIL_BYTES: usize = 2_048;
const TIMINGS: &[u8] = b"\"timings\":{";
/// TGI's, in milliseconds: of the whole call, and of its waiting there.
const TOTAL: HeaderName = HeaderName::from_static("x-total-time");
const QUEUED: HeaderName = HeaderName::from_static("x-queue-time");

/// What a replica has told of its work.
#[derive(Debug, Default)]
pub struct Work {
    told_ms: Option<u64>,
    /// The end of what was read, of a server that tells there.
    tail: Vec<u8>,
}

impl Meter {
    /// The head of an answer has come.
    pub fn overhear_head(&self, headers: &HeaderMap) {
        let Some(leg) = self.leg().filter(|leg| leg.place.provider.pool.is_some()) else { return };
        let ms = |name: &HeaderName| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
        if let Some(total) = ms(&TOTAL) {
            leg.work.borrow_mut().told_ms = Some(total.saturating_sub(ms(&QUEUED).unwrap_or(0)));
        }
    }

    /// So much more of the answer has come.
    pub fn overhear(&self, read: &[u8]) {
        let Some(leg) = self.leg() else { return };
        let Some(pool) = &leg.place.provider.pool else { return };
        if pool.policy().server != ReplicaServer::LlamaCpp {
            return;
        }
        let tail = &mut leg.work.borrow_mut().tail;
        let read = read.get(read.len().saturating_sub(TAIL_BYTES)..).unwrap_or(read);
        tail.extend_from_slice(read);
        let over = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..over);
    }

    /// Milliseconds of processors that the answer cost: time on the replica times what it occupies.
    /// `None`: whoever answered is no pool.
    #[must_use]
    pub(super) fn processor_ms(&self) -> Option<u64> {
        let leg = self.leg()?;
        let pool = leg.place.provider.pool.as_ref()?;
        let work = leg.work.borrow();
        let told = work.told_ms.or_else(|| timings(&work.tail));
        let waited = self.working_ms();
        let worked = told.map_or(waited, |told| told.clamp(1, waited.max(1)));
        Some(worked.saturating_mul(pool.policy().gpus.max(1).into()))
    }
}

/// What llama.cpp's server spent on the prompt and on the answer, rounded up.
fn timings(tail: &[u8]) -> Option<u64> {
    let at = tail.windows(TIMINGS.len()).rposition(|window| window == TIMINGS)?;
    let text = tail.get(at + TIMINGS.len()..)?;
    let end = text.iter().position(|byte| *byte == b'}')?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let ms = |wanted: &str| {
        let mut members = text.split(',').filter_map(|member| member.split_once(':'));
        let (_, value) = members.find(|(name, _)| name.trim().trim_matches('"') == wanted)?;
        value.trim().parse().ok().filter(|ms: &f64| (0.0..1e9).contains(ms))
    };
    let (prompt, predicted): (f64, f64) = (ms("prompt_ms")?, ms("predicted_ms")?);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
    let whole = (prompt + predicted).ceil() as u64;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_timings_are_found_at_an_answers_end() {
        let told = br#"data: {"choices":[],"timings":{"cache_n":236,"prompt_n":1,"prompt_ms":30.958,"prompt_per_token_ms":30.958,"predicted_n":35,"predicted_ms":661.064,"predicted_per_second":52.9}}"#;
        assert_eq!(timings(told), Some(693));
        for none in [
            &b""[..],
            b"\"timings\":{",
            b"\"timings\":{\"prompt_ms\":1}",
            b"\"timings\":{\"prompt_ms\":-1,\"predicted_ms\":2}",
            b"\"timings\":{\"prompt_ms\":NaN,\"predicted_ms\":2}",
        ] {
            assert_eq!(timings(none), None);
        }
    }
}
