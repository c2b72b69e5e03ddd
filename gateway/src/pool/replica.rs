//! What is known of one replica: what its metrics last said, what this gateway has sent there, and
//! how that ended. Read by all threads, in atomic numbers.

use super::prefix::Prefixes;
use crate::health::Pulse;
use contract::channel::ReplicaState;
use dialect::metrics::Reading;
use http::HeaderValue;
use http::uri::Authority;
use route::breaker::{BreakerRule, Phase};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const RELAXED: Ordering = Ordering::Relaxed;
/// No share of hits is known.
const UNKNOWN: u16 = u16::MAX;

#[derive(Debug)]
pub struct Replica {
    /// `host:port`.
    pub address: String,
    /// A name or an IP address, without brackets.
    pub host: String,
    pub port: u16,
    /// What it is called in requests.
    pub authority: HeaderValue,
    /// Its breaker, and the calls of this gateway that it works on.
    pub pulse: Arc<Pulse>,
    pub prefixes: Mutex<Prefixes>,
    told: Told,
    /// Whether it was found when replicas were last looked for, and the operator wants it used.
    takes: AtomicBool,
    fault: Mutex<Option<String>>,
}

/// What its metrics last said.
#[derive(Debug)]
struct Told {
    queued: AtomicU32,
    running: AtomicU32,
    kv_permille: AtomicU16,
    hit_permille: AtomicU16,
    /// Calls of this gateway that it worked on then.
    own: AtomicU32,
    /// When that was, and 1 more; 0: never.
    read_at: AtomicU64,
    /// Since then its metrics could not be read, or made no sense.
    blind: AtomicBool,
}

/// How busy it is, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Busy {
    /// Calls that it works on: this gateway's, and those of others by its metrics.
    pub calls: u32,
    /// Calls that waited in it when its metrics were read.
    pub queued: u32,
    pub kv_permille: u16,
}

impl Replica {
    /// `None`: the address is not `host:port`, or no model server can be there.
    #[must_use]
    pub fn at(address: &str, rule: BreakerRule) -> Option<Self> {
        let authority: Authority = address.parse().ok()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().filter(|port| *port > 0)?;
        let is_plain = !host.is_empty() && !address.contains('@');
        // Whoever answers for a name could otherwise have us ask a cloud for its secrets.
        let is_nobodys = host.parse().is_ok_and(contract::host::is_nobodys);
        (is_plain && !is_nobodys).then_some(())?;
        Some(Self {
            address: address.to_owned(),
            host,
            port,
            authority: HeaderValue::from_str(address).ok()?,
            pulse: Arc::new(Pulse::new(rule)),
            prefixes: Mutex::default(),
            told: Told {
                queued: AtomicU32::new(0),
                running: AtomicU32::new(0),
                kv_permille: AtomicU16::new(0),
                hit_permille: AtomicU16::new(UNKNOWN),
                own: AtomicU32::new(0),
                read_at: AtomicU64::new(0),
                blind: AtomicBool::new(true),
            },
            takes: AtomicBool::new(true),
            fault: Mutex::default(),
        })
    }

    /// Its metrics say this.
    pub fn reads(&self, reading: Reading, now_ms: u64) {
        let told = &self.told;
        told.queued.store(reading.queued, RELAXED);
        told.running.store(reading.running, RELAXED);
        told.kv_permille.store(reading.kv_permille, RELAXED);
        told.hit_permille.store(reading.hit_permille.unwrap_or(UNKNOWN), RELAXED);
        told.own.store(self.pulse.in_flight(), RELAXED);
        told.read_at.store(now_ms.saturating_add(1), RELAXED);
        told.blind.store(false, RELAXED);
        self.set_fault(None);
    }

    /// Its metrics are not to be had, or make no sense: what they said is forgotten.
    pub fn is_unreadable(&self, why: String) {
        self.told.blind.store(true, RELAXED);
        self.set_fault(Some(why));
    }

    /// How busy it is. What was read longer ago than `fresh_ms` does not count.
    #[must_use]
    pub fn busy(&self, now_ms: u64, fresh_ms: u64) -> Busy {
        let own = self.pulse.in_flight();
        if self.is_blind(now_ms, fresh_ms) {
            return Busy { calls: own, ..Busy::default() };
        }
        let told = &self.told;
        let queued = told.queued.load(RELAXED);
        let all = told.running.load(RELAXED).saturating_add(queued);
        // What others have sent there: all that it had less what was ours then.
        let others = all.saturating_sub(told.own.load(RELAXED));
        let kv_permille = told.kv_permille.load(RELAXED);
        Busy { calls: own.saturating_add(others), queued, kv_permille }
    }

    fn is_blind(&self, now_ms: u64, fresh_ms: u64) -> bool {
        let read_at = self.told.read_at.load(RELAXED);
        self.told.blind.load(RELAXED) || now_ms.saturating_add(1) > read_at.saturating_add(fresh_ms)
    }

    /// Milliseconds since its metrics were last read; `None`: never.
    #[must_use]
    pub fn read_ms_ago(&self, now_ms: u64) -> Option<u64> {
        let read_at = self.told.read_at.load(RELAXED);
        (read_at > 0).then(|| now_ms.saturating_add(1).saturating_sub(read_at))
    }

    /// Of all prompts, what it found in its prefix cache since it started, in thousandths.
    #[must_use]
    pub fn hit_permille(&self) -> Option<u16> {
        Some(self.told.hit_permille.load(RELAXED)).filter(|known| *known != UNKNOWN)
    }

    /// Calls that it works on by its metrics.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.told.running.load(RELAXED)
    }

    /// Whether it gets new calls at all.
    #[must_use]
    pub fn takes(&self) -> bool {
        self.takes.load(RELAXED)
    }

    pub fn set_takes(&self, takes: bool) {
        self.takes.store(takes, RELAXED);
    }

    #[must_use]
    pub fn state(&self, now_ms: u64, fresh_ms: u64) -> ReplicaState {
        match self.pulse.phase() {
            _ if !self.takes() => ReplicaState::Draining,
            Phase::Open { .. } | Phase::Probing { .. } => ReplicaState::Down,
            _ if self.is_blind(now_ms, fresh_ms) => ReplicaState::Blind,
            Phase::Closed | Phase::Recovering { .. } => ReplicaState::Ready,
        }
    }

    #[must_use]
    pub fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    fn set_fault(&self, fault: Option<String>) {
        let mut known = lock(&self.fault);
        match (&*known, &fault) {
            (None, Some(why)) => {
                tracing::warn!(replica = self.address, %why, "a replica's metrics tell nothing");
            }
            (Some(_), None) => tracing::info!(replica = self.address, "its metrics are read again"),
            _ => {}
        }
        *known = fault;
    }

    pub(super) fn prefixes(&self) -> MutexGuard<'_, Prefixes> {
        lock(&self.prefixes)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica() -> Replica {
        Replica::at("10.0.0.1:8000", BreakerRule::default()).unwrap()
    }

    #[test]
    fn calls_of_others_are_what_the_metrics_say_beyond_our_own() {
        let replica = replica();
        let ours: Vec<_> = (0..3).map(|_| replica.pulse.enter_anyway()).collect();
        let reading = Reading { queued: 2, running: 4, kv_permille: 500, hit_permille: None };
        replica.reads(reading, 1_000);
        let busy = |calls| Busy { calls, queued: 2, kv_permille: 500 };
        assert_eq!(replica.busy(1_000, 300), busy(6));
        drop(ours);
        assert_eq!(replica.busy(1_300, 300), busy(3), "ours have ended since");
        assert_eq!(replica.busy(1_301, 300), Busy::default(), "that was too long ago");
        assert_eq!(replica.read_ms_ago(1_301), Some(301));
    }

    #[test]
    fn without_metrics_only_our_own_calls_count_and_it_goes_on_blind() {
        let replica = replica();
        assert_eq!(replica.state(0, 300), ReplicaState::Blind);
        replica.reads(Reading { queued: 9, ..Reading::default() }, 0);
        assert_eq!(replica.state(0, 300), ReplicaState::Ready);
        let _ours = replica.pulse.enter_anyway();
        replica.is_unreadable("a page of HTML".into());
        assert_eq!(replica.busy(0, 300), Busy { calls: 1, ..Busy::default() });
        assert_eq!(replica.state(0, 300), ReplicaState::Blind);
        assert_eq!(replica.fault().as_deref(), Some("a page of HTML"));
        replica.reads(Reading::default(), 10);
        assert_eq!((replica.state(10, 300), replica.fault()), (ReplicaState::Ready, None));
        assert_eq!(replica.state(311, 300), ReplicaState::Blind, "nothing was read for too long");
        replica.set_takes(false);
        assert_eq!(replica.state(10, 300), ReplicaState::Draining);
    }

    #[test]
    fn addresses_are_a_host_and_a_port() {
        let of = |address| Replica::at(address, BreakerRule::default());
        let six = of("[fd00::1]:8000").unwrap();
        assert_eq!((six.host.as_str(), six.port), ("fd00::1", 8_000));
        assert_eq!(of("gpu-1.cluster.local:80").unwrap().host, "gpu-1.cluster.local");
        for wrong in [
            "",
            "gpu",
            "gpu:",
            "gpu:0",
            "gpu:70000",
            ":80",
            "a@b:80",
            "http://a:80",
            "a b:1",
            "169.254.169.254:80",
            "[fe80::1]:80",
        ] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
